"""Screen 3: the recipe, and a training as it goes."""
