"""The parts of the lesson on classification."""
