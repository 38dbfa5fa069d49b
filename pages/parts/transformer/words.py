"""Names that several parts use."""

from __future__ import annotations

from engine.language import N_

ACTIVATIONS = {"gelu": "GELU", "gelu_tanh": N_("GELU (tanh form)"), "relu2": "ReLU²"}
POSITIONS = {"learned": N_("learned vectors"), "rotary": "rotary", "none": "none"}
