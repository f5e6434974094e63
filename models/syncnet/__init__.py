"""SyncNet v2 (Chung and Zisserman 2016) with weights of the user's own: are lips and sound in step, by pixels?"""
