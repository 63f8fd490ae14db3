"""Whose labels are likely wrong, and which pictures are none: suspects from out-of-fold answers and neighbours."""
