"""A performance as a file that other programs open."""
