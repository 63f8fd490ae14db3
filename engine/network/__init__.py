"""The network: its table of layers, its weights, and which part of it learns."""
