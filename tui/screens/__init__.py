"""The eight screens, a folder each, on the frame in base.py."""
