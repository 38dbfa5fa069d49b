"""The parts of the lesson on pretraining."""
