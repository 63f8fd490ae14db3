"""Screen 6: what a model says about an image."""
