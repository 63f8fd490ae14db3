"""Screen 1: what a folder of X-rays holds."""
