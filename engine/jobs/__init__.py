"""What a verb or a key starts: a training, a trial, a repetition, a sweep, a repair."""
