"""What a clip's landmarks and sound say about each other, and about themselves: the maths of ``tasks.evidence``."""
