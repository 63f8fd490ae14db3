"""The one description of a training: its fields, as dataclasses, as a form and as a file."""
