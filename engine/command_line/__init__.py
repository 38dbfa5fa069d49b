"""Commands of `python -m engine` that train, and what they share."""
