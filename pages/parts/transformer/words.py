"""Names that several parts use."""

from __future__ import annotations

ACTIVATIONS = {"gelu": "GELU", "gelu_tanh": "GELU (tanh form)", "relu2": "ReLU²"}
POSITIONS = {"learned": "learned vectors", "rotary": "rotary", "none": "none"}
