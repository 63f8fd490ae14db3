"""Does a recipe learn from the lungs, or from shortcuts? One training on each part of the image, compared."""
