"""The open head: its record, the landmark embedding on it, and the script that builds both."""
