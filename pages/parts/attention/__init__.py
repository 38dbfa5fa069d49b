"""The parts of the attention lesson."""
