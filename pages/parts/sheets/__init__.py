"""Lesson sheets: what stands on them."""
