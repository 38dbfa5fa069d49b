"""The parts of the tokenization lesson, one function in each module."""
