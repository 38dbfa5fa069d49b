"""What the views of the heads share: the model and sentence at the top of the part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.checkpoint import Checkpoint
from pages.shared.models import ModelChoice
from pages.shared.sentence import Sentence


@dataclass(frozen=True)
class Chosen:
    """What the controls at the top of the part say."""

    choice: ModelChoice
    checkpoint: Checkpoint
    sentence: Sentence

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        config = self.checkpoint.model.config
        return config.n_layers, config.n_heads


def three_decimals(*names: str) -> dict[str, Any]:
    """Settings of table columns with three decimals."""
    return {name: st.column_config.NumberColumn(format="%.3f") for name in names}
