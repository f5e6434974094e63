"""What steers a performance besides the speech: emotion, head pose, camera, and prompts that name them."""
