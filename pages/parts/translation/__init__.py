"""The parts of the lesson on the original transformer."""
