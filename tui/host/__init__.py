"""What the workbench stands on: the terminal it draws in, and the shell that it was started from."""
