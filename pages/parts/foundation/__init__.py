"""The parts of the lesson on the foundation model."""
