"""The model card: what went in, what came out, how sure that is, and what nobody knows."""
