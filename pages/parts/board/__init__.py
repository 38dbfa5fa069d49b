"""The parts of the class board."""
