"""Many recipes compared: which layers are worth training."""
