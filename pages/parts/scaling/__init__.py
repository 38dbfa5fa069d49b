"""The parts of the lesson on scaling."""
