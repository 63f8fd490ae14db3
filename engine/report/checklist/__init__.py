"""A reader's checklist of a run: what the run can answer, answered and linked; what only the author knows, asked."""
