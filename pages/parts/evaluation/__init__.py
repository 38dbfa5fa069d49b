"""The parts of the lesson on evaluation."""
