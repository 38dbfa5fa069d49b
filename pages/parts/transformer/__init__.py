"""The parts of the lesson on anatomy, a module each."""
