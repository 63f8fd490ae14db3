"""The verbs, a file each: flags and body."""
