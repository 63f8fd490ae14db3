"""The layers of the backbones that no rule gives, a file each."""
