"""A model on disk: weights as safetensors, everything else as JSON, a manifest of SHA-256 sums; no pickle anywhere.

`load_gpt2` and `export_gpt2` speak the Hugging Face GPT-2 layout, so open weights come in and trained models go out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.errors import CheckpointError, ConfigError, EngineError
from engine.gpt import GPT, GPTConfig
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.training import Trainer

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Checkpoint:
    """What `load_checkpoint` gives. training_tensors and training_numbers are None where only the model was kept."""

    model: GPT
    tokenizer: Tokenizer
    extra: dict[str, Any] = field(default_factory=dict)
    training_tensors: dict[str, Tensor] | None = None
    training_numbers: dict[str, Any] | None = None


def save_checkpoint(
    folder: str | Path,
    model: GPT,
    tokenizer: Tokenizer,
    *,
    trainer: Trainer | None = None,
    extra: dict[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder that holds the model, its tokenizer and, with `trainer`, what resumes its training.

    It is written beside its place and renamed at the end, so what is seen there is whole; a folder of that name is
    replaced. `dtype` stores the weights in another precision (float16 halves the file). Raises OSError (disk full and
    the like).
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    replaced = partial.with_name(partial.name + ".old")
    partial.mkdir()
    try:
        weights = {name: tensor.detach() for name, tensor in model.named_parameters()}
        if dtype is not None:
            weights = {name: tensor.to(dtype) for name, tensor in weights.items()}
        save_file(weights, partial / "model.safetensors")
        _write_json(partial / "config.json", {"format": FORMAT, "model": model.config.to_dict(), "extra": extra or {}})
        tokenizer.save(partial / "tokenizer.json")
        if trainer is not None:
            tensors, numbers = trainer.state()
            save_file(tensors, partial / "training.safetensors")
            _write_json(partial / "training.json", numbers)
        sums = {path.name: _sha256(path) for path in sorted(partial.iterdir())}
        _write_json(partial / MANIFEST, sums)
        if folder.exists():
            folder.rename(replaced)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Read and verify what `save_checkpoint` wrote.

    A missing training part is no error: it may have been dropped to save space. Raises CheckpointError with the file
    at fault when anything else is missing or differs from the manifest.
    """
    folder = Path(folder)
    try:
        sums: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))
        for name, expected in sums.items():
            path = folder / name
            if name.startswith("training.") and not path.exists():
                continue
            if _sha256(path) != expected:
                raise CheckpointError(f"{name} of the checkpoint {folder.name} is damaged: use an earlier checkpoint.")
        header = json.loads((folder / "config.json").read_text("utf-8"))
        if header.get("format") != FORMAT:
            raise CheckpointError(
                f"checkpoint {folder.name} has format {header.get('format')!r}, this version reads {FORMAT}."
            )
        model = GPT(GPTConfig.from_dict(header["model"]))
        _fill(model, load_file(folder / "model.safetensors"))
        tokenizer = load_tokenizer(folder / "tokenizer.json")
        tensors = numbers = None
        if (folder / "training.safetensors").exists() and (folder / "training.json").exists():
            tensors = load_file(folder / "training.safetensors")
            numbers = json.loads((folder / "training.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"the checkpoint {folder.name} has no {Path(error.filename).name}: it is incomplete, use an earlier one."
        ) from error
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, EngineError) as error:
        raise CheckpointError(f"the checkpoint {folder.name} cannot be read ({error}): use an earlier one.") from error
    return Checkpoint(model.eval(), tokenizer, header["extra"], tensors, numbers)


def _fill(model: GPT, weights: dict[str, Tensor]) -> None:
    """Copy weights by name; every parameter must be there in its shape."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name not in weights or weights[name].shape != parameter.shape:
                found = tuple(weights[name].shape) if name in weights else "nothing"
                raise CheckpointError(f"{name} should have shape {tuple(parameter.shape)}, the file has {found}.")
            parameter.copy_(weights[name])


# Hugging Face's names for the parts of our blocks; their Conv1D keeps matrices transposed.
_GPT2_BLOCK_NAMES = {
    "norm_attention": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "norm_mlp": "ln_2",
    "mlp.up": "mlp.c_fc",
    "mlp.down": "mlp.c_proj",
}
_GPT2_ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu"}


_GPT2_USUAL = {
    "tie_word_embeddings": True,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}


def gpt2_names(config: GPTConfig) -> dict[str, str]:
    """Our parameter names → those of a Hugging Face GPT-2 (without its "transformer." prefix)."""
    names = {
        "token_embedding.weight": "wte.weight",
        "position_embedding.weight": "wpe.weight",
        "norm.weight": "ln_f.weight",
        "norm.bias": "ln_f.bias",
    }
    for layer in range(config.n_layers):
        for ours, theirs in _GPT2_BLOCK_NAMES.items():
            for part in ("weight", "bias"):
                names[f"blocks.{layer}.{ours}.{part}"] = f"h.{layer}.{theirs}.{part}"
    return names


def _transposed(name: str, tensor: Tensor) -> bool:
    return name.startswith("blocks.") and tensor.dim() == 2


def load_gpt2(folder_or_hub_id: str | Path) -> GPT:
    """A GPT-2 from a Hugging Face folder (config.json, model.safetensors) or, with `huggingface_hub`, a hub id.

    Raises CheckpointError where it is no GPT-2, has an unknown setting, or cannot be fetched.
    """
    folder = Path(folder_or_hub_id)
    if not folder.is_dir():
        folder = _download_gpt2(str(folder_or_hub_id))
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        files = sorted(folder.glob("*.safetensors"))
        weights = {name: tensor for file in files for name, tensor in load_file(file).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{folder_or_hub_id} cannot be read as a GPT-2: {error}.") from error
    if settings.get("model_type") != "gpt2" or not weights:
        raise CheckpointError(
            f"{folder_or_hub_id} holds a {settings.get('model_type')!r} model and {len(files)} safetensors files; "
            "a GPT-2 saved as safetensors is needed."
        )
    activation = settings.get("activation_function", "gelu_new")
    if activation not in _GPT2_ACTIVATIONS:
        raise CheckpointError(f"{folder_or_hub_id} uses the activation {activation!r}, which is not built here.")
    for name, usual in _GPT2_USUAL.items():
        if settings.get(name, usual) != usual:
            raise CheckpointError(f"{folder_or_hub_id} has {name}={settings[name]!r}, which is not built here.")
    try:
        config = GPTConfig(
            vocab_size=settings["vocab_size"],
            context_length=settings["n_positions"],
            n_layers=settings["n_layer"],
            n_heads=settings["n_head"],
            d_model=settings["n_embd"],
            d_ff=settings.get("n_inner") or 0,
            activation=_GPT2_ACTIVATIONS[activation],  # type: ignore[arg-type]
            norm_epsilon=settings.get("layer_norm_epsilon", 1e-5),
        )
    except (KeyError, ConfigError) as error:
        raise CheckpointError(f"the config.json of {folder_or_hub_id} cannot be used: {error}.") from error
    model = GPT(config)
    bare = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    shapes = dict(model.named_parameters())
    ours = {}
    for name, theirs in gpt2_names(model.config).items():
        if theirs not in bare:
            raise CheckpointError(f"{folder_or_hub_id} lacks the weights {theirs!r}.")
        ours[name] = bare[theirs].T if _transposed(name, shapes[name]) else bare[theirs]
    _fill(model, ours)
    return model.eval()


def export_gpt2(model: GPT, folder: str | Path) -> None:
    """Write a model as a Hugging Face GPT-2 folder that `GPT2LMHeadModel.from_pretrained` loads.

    Raises CheckpointError for shapes that GPT-2 does not have (rotary positions, ReLU², no biases, untied head).
    """
    config = model.config
    activation = {ours: theirs for theirs, ours in reversed(_GPT2_ACTIVATIONS.items())}.get(config.activation)
    usual = config.positions == "learned" and config.bias and config.tie_embeddings and config.causal
    if activation is None or not usual:
        raise CheckpointError(
            "only causal models with learned positions, GELU, biases and tied embeddings have GPT-2's layout; this one "
            f"has positions={config.positions!r}, activation={config.activation!r}, bias={config.bias}, "
            f"tie_embeddings={config.tie_embeddings}, causal={config.causal}."
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = gpt2_names(config)
    weights = {
        f"transformer.{names[name]}": (tensor.detach().T if _transposed(name, tensor) else tensor.detach()).contiguous()
        for name, tensor in model.named_parameters()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(
        folder / "config.json",
        {
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "vocab_size": config.vocab_size,
            "n_positions": config.context_length,
            "n_layer": config.n_layers,
            "n_head": config.n_heads,
            "n_embd": config.d_model,
            "n_inner": config.d_ff,
            "activation_function": activation,
            "layer_norm_epsilon": config.norm_epsilon,
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": None,
        },
    )


def _download_gpt2(hub_id: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise CheckpointError(
            f"{hub_id!r} is no folder here; to fetch it from the hub install the extra: pip install 'llm-lessons[hub]'."
        ) from error
    try:
        return Path(snapshot_download(hub_id, allow_patterns=["config.json", "*.safetensors"]))
    except Exception as error:  # the hub client raises many unrelated types
        raise CheckpointError(f"{hub_id!r} could not be fetched from the hub: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True), "utf-8")
