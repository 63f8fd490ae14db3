"""How good a model is, and what it says about an image."""
