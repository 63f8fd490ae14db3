"""Screen 4: every run on disk."""
