"""The demo's own sample: synthetic talking heads with sound, so that a newcomer needs no footage of anybody."""
