"""What the avatar looks like on screen: a bust with hair, brows, shoulders, and light on skin."""
