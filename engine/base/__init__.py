"""What everything stands on: errors, events, cancelling, files, locks, caches, the machine. Imports no other room."""
