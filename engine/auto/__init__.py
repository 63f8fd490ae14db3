"""The recipe that chooses by itself: convex heads on kept activations, judged out of fold, on a ladder of few rungs."""
