"""Screen 7: does the recipe learn from the lungs?"""
