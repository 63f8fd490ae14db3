"""Words and numbers for people, for every front end. Needs neither Textual nor the command line."""
