"""Do these lips say this sound, and how far apart are they? A small contrastive network and what is read from it."""
