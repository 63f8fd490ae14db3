"""Near duplicates: pictures that are one and the same, whatever was done to a copy."""
