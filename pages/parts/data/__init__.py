"""The parts of the lesson on data."""
