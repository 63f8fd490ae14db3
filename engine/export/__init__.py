"""A run's model in other formats, each checked against the run, and the reader of one that needs no TensorFlow."""

FOLDER = "export"
"""Where a run keeps its exported files."""
