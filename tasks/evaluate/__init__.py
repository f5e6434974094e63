"""Evaluate a motion model on clips it has not seen, beside rows that must not win, and write the report page.

``tasks.evaluate.run`` holds the stage, ``tasks.evaluate.report`` the page.
"""
