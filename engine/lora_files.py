"""LoRA on disk: the update alone, which is small, or merged into the model it was learned for."""

from __future__ import annotations

import copy
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from engine.checkpoint import Saveable, save_checkpoint
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig
from engine.language import _
from engine.lora import adapter_weights, adapters, merge_lora
from engine.tuning import LoRAGPT

_N_TOKENS = 32


def merged(model: GPT) -> GPT:
    """An ordinary GPT that computes what an adapted one does; ConfigError for a model without updates."""
    if not isinstance(model, LoRAGPT):
        raise ConfigError(_("this model has no low-rank updates to merge."))
    changed = copy.deepcopy(model)
    merge_lora(changed)
    shape = {name: value for name, value in changed.config.to_dict().items() if not name.startswith("lora_")}
    plain = GPT(GPTConfig.from_dict(shape))
    plain.load_state_dict(changed.state_dict())
    return plain


@torch.inference_mode()
def merging_error(model: GPT) -> float:
    """The largest difference of any logit between a model with updates and the same one merged, on some tokens."""
    n_tokens = min(_N_TOKENS, model.config.context_length)
    ids = torch.arange(n_tokens)[None] % model.config.vocab_size
    model.eval()
    return float((model(ids) - merged(model).eval()(ids)).abs().max())


def adapter_archive(model: GPT, *, base: str) -> bytes:
    """A zip of adapters.safetensors (A and B of every adapted matrix) and adapters.json (rank, alpha, strength 1, and
    the name of the `base` model that they belong to).
    """
    found = list(adapters(model))
    if not found:
        raise ConfigError(_("this model has no low-rank updates to save."))
    settings: dict[str, Any] = {
        "base": base,
        "lora_rank": found[0][1].rank,
        "lora_alpha": found[0][1].alpha,
        "matrices": [name for name, _ in found],
        "formula": "W + (lora_alpha / lora_rank) * lora_B @ lora_A",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        weights = {name: tensor.contiguous() for name, tensor in adapter_weights(model).items()}
        zipped.writestr("adapters.safetensors", save(weights))
        zipped.writestr("adapters.json", json.dumps(settings, indent=1))
    return buffer.getvalue()


def merged_archive(model: GPT, tokenizer: Saveable) -> bytes:
    """A zip of the merged model as `engine.checkpoint.save_checkpoint` writes it."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        save_checkpoint(folder, merged(model), tokenizer)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for path in sorted(folder.iterdir()):
                zipped.write(path, path.name)
    return buffer.getvalue()
