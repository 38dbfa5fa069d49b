"""The parts of the lesson on instruction fine-tuning."""
