"""Augmentation, learning-rate schedule, kept activations and the training loop."""
