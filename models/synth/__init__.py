"""Talking-head videos of people who do not exist, and the exact truth about them."""
