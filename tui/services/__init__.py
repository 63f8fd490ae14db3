"""Models and pictures for the screens, loaded once, used from threads."""
