"""The parts of the lesson on windows and embeddings, a module each."""
