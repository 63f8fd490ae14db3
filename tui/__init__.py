"""The front ends of covid-tui: the command line and the workbench, both on the same engine calls."""
