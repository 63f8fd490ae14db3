"""Screen 5: how good a run is."""
