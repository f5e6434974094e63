"""Fit a head model to MediaPipe's landmarks over a clip: one shape, and per frame pose, jaw, gaze and expression."""
