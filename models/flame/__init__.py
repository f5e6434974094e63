"""FLAME of the user's own: its file read without running it, its landmarks and regions found."""
