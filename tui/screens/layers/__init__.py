"""Screen 2: which layers train."""
