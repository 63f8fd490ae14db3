"""What all screens share: data, recipe, runs and the work under way."""
