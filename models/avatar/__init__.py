"""The avatar: a flow-matching transformer from speech to head motion."""
