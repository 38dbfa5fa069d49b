"""Learners, their progress, and who may do what with whose runs."""
