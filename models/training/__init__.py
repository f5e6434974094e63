"""Training: packed clips, deterministic windows, one loop for CPU and GPUs, checkpoints that explain themselves."""
