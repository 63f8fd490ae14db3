"""The run directory: written, read back, summarised, watched and deleted."""
