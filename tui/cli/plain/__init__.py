"""The workbench as questions and numbered answers, a line each: for screen readers and simple terminals."""
