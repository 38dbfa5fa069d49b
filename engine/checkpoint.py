"""A model on disk: weights as safetensors, everything else as JSON, a manifest of SHA-256 sums; no pickle anywhere.

`load_gpt2` and `export_gpt2` speak the Hugging Face GPT-2 layout, so open weights come in and trained models go out.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import psutil  # type: ignore[import-untyped]
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.errors import CheckpointError, ConfigError, EngineError
from engine.gpt import GPT, GPTConfig
from engine.hub import FetchProgress, fetch, require_safetensors, sha256_of, verify
from engine.language import _
from engine.settings import Settings
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.tokenizer_export import can_export, huggingface_json
from engine.training import TrainingLoop

FORMAT = 1
MANIFEST = "manifest.json"
OWN_TOKENIZER = "tokenizer-lessons.json"
"""In an exported folder, the tokenizer as this program writes it."""


class Saveable(Protocol):
    """A tokenizer, or whatever else goes from text to ids: it can write itself to one file."""

    def save(self, path: str | Path, /) -> None: ...


ModelT = TypeVar("ModelT", bound=nn.Module)
TokenizerT = TypeVar("TokenizerT", bound=Saveable)


@dataclass(frozen=True)
class Restored(Generic[ModelT, TokenizerT]):
    """What `read_checkpoint` gives. training_tensors and training_numbers are None where only the model was kept."""

    model: ModelT
    tokenizer: TokenizerT
    extra: dict[str, Any] = field(default_factory=dict)
    training_tensors: dict[str, Tensor] | None = None
    training_numbers: dict[str, Any] | None = None


class Checkpoint(Restored[GPT, Tokenizer]):
    """A language model and its tokenizer."""


def save_checkpoint(
    folder: str | Path,
    model: nn.Module,
    tokenizer: Saveable,
    *,
    trainer: TrainingLoop | None = None,
    extra: dict[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a folder that holds the model, its config and tokenizer and, with `trainer`, what resumes its training.

    It is written beside its place and renamed at the end, so what is seen there is whole; a folder of that name is
    replaced. `dtype` stores the weights in another precision (float16 halves the file). Raises OSError (disk full and
    the like).
    """
    folder = Path(folder)
    settings: Any = model.config
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    replaced = partial.with_name(partial.name + ".old")
    partial.mkdir()
    try:
        weights = {name: tensor.detach() for name, tensor in model.named_parameters()}
        if dtype is not None:
            weights = {name: tensor.to(dtype) for name, tensor in weights.items()}
        save_file(weights, partial / "model.safetensors")
        _write_json(partial / "config.json", {"format": FORMAT, "model": settings.to_dict(), "extra": extra or {}})
        tokenizer.save(partial / "tokenizer.json")
        if trainer is not None:
            tensors, numbers = trainer.state()
            save_file(tensors, partial / "training.safetensors")
            _write_json(partial / "training.json", numbers)
        sums = {path.name: sha256_of(path) for path in sorted(partial.iterdir())}
        _write_json(partial / MANIFEST, sums)
        if folder.exists():
            folder.rename(replaced)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """A language model as `save_checkpoint` wrote it; see `read_checkpoint`."""
    read = read_checkpoint(folder, lambda settings: GPT(GPTConfig.from_dict(settings)), load_tokenizer)
    return Checkpoint(read.model, read.tokenizer, read.extra, read.training_tensors, read.training_numbers)


def read_checkpoint(
    folder: str | Path, build: Callable[[dict[str, Any]], ModelT], read_tokenizer: Callable[[Path], TokenizerT]
) -> Restored[ModelT, TokenizerT]:
    """Read and verify what `save_checkpoint` wrote: `build` makes the model of a config, whose weights are filled in.

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
            if sha256_of(path) != expected:
                raise CheckpointError(
                    _(
                        "{name} of the checkpoint {name_2} is damaged: use an earlier checkpoint.",
                        name=name,
                        name_2=folder.name,
                    )
                )
        header = json.loads((folder / "config.json").read_text("utf-8"))
        if header.get("format") != FORMAT:
            raise CheckpointError(
                _(
                    "checkpoint {name} has format {get!r}, this version reads {format}.",
                    name=folder.name,
                    get=header.get("format"),
                    format=FORMAT,
                )
            )
        model = build(header["model"])
        _fill(model, load_file(folder / "model.safetensors"))
        tokenizer = read_tokenizer(folder / "tokenizer.json")
        tensors = numbers = None
        if (folder / "training.safetensors").exists() and (folder / "training.json").exists():
            tensors = load_file(folder / "training.safetensors")
            numbers = json.loads((folder / "training.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            _(
                "the checkpoint {name} has no {name_2}: it is incomplete, use an earlier one.",
                name=folder.name,
                name_2=Path(error.filename).name,
            )
        ) from error
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, EngineError) as error:
        raise CheckpointError(
            _("the checkpoint {name} cannot be read ({error}): use an earlier one.", name=folder.name, error=error)
        ) from error
    return Restored(model.eval(), tokenizer, header["extra"], tensors, numbers)


def _fill(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy weights by name; every parameter must be there in its shape."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name not in weights or weights[name].shape != parameter.shape:
                found = tuple(weights[name].shape) if name in weights else "nothing"
                raise CheckpointError(
                    _(
                        "{name} should have shape {tuple}, the file has {found}.",
                        name=name,
                        tuple=tuple(parameter.shape),
                        found=found,
                    )
                )
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
_OUR_ACTIVATIONS = {"gelu_tanh": "gelu_new", "gelu": "gelu"}

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


def load_gpt2(
    folder_or_hub_id: str | Path,
    *,
    progress: Callable[[FetchProgress], None] | None = None,
    models: str | Path | None = None,
) -> GPT:
    """A GPT-2 from a Hugging Face folder (config.json, *.safetensors), else by its id from a hub.

    What comes from a hub is kept in `models` (the data folder's own by default) and read from there the next time;
    `progress` is told how far the download is. Raises CheckpointError where it is no GPT-2, has an unknown setting,
    is a pickle, is too large for the memory, differs from its noted checksums or cannot be fetched.
    """
    folder = Path(folder_or_hub_id)
    if not folder.is_dir():
        kept = Path(models) if models is not None else Settings.from_environment().home / "models"
        folder = fetch(str(folder_or_hub_id), kept, progress=progress)
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            _("{folder_or_hub_id} cannot be read as a GPT-2: {error}.", folder_or_hub_id=folder_or_hub_id, error=error)
        ) from error
    if settings.get("model_type") != "gpt2":
        raise CheckpointError(
            _(
                "{folder_or_hub_id} holds a {get!r} model, not a GPT-2.",
                folder_or_hub_id=folder_or_hub_id,
                get=settings.get("model_type"),
            )
        )
    require_safetensors([path.name for path in folder.iterdir()], str(folder_or_hub_id))
    verify(folder)
    files = sorted(folder.glob("*.safetensors"))
    _require_memory(folder.name, sum(path.stat().st_size for path in files))
    try:
        weights = {name: tensor for file in files for name, tensor in load_file(file).items()}
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(
            _(
                "the weights of {folder_or_hub_id} cannot be read: {error}.",
                folder_or_hub_id=folder_or_hub_id,
                error=error,
            )
        ) from error
    activation = settings.get("activation_function", "gelu_new")
    if activation not in _GPT2_ACTIVATIONS:
        raise CheckpointError(
            _(
                "{folder_or_hub_id} uses the activation {activation!r}, which is not built here.",
                folder_or_hub_id=folder_or_hub_id,
                activation=activation,
            )
        )
    for name, usual in _GPT2_USUAL.items():
        if settings.get(name, usual) != usual:
            raise CheckpointError(
                _(
                    "{folder_or_hub_id} has {name}={settings!r}, which is not built here.",
                    folder_or_hub_id=folder_or_hub_id,
                    name=name,
                    settings=settings[name],
                )
            )
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
        raise CheckpointError(
            _(
                "the config.json of {folder_or_hub_id} cannot be used: {error}.",
                folder_or_hub_id=folder_or_hub_id,
                error=error,
            )
        ) from error
    model = GPT(config)
    bare = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    shapes = dict(model.named_parameters())
    ours = {}
    for name, theirs in gpt2_names(model.config).items():
        if theirs not in bare:
            raise CheckpointError(
                _("{folder_or_hub_id} lacks the weights {theirs!r}.", folder_or_hub_id=folder_or_hub_id, theirs=theirs)
            )
        ours[name] = bare[theirs].T if _transposed(name, shapes[name]) else bare[theirs]
    _fill(model, ours)
    return model.eval()


def gpt2_obstacle(config: GPTConfig) -> str:
    """Why a model of this shape cannot be written in GPT-2's layout, as a sentence; empty when it can."""
    usual = config.positions == "learned" and config.bias and config.tie_embeddings and config.whole
    if usual and config.activation in _OUR_ACTIVATIONS:
        return ""
    return _(
        "only whole, causal models with learned positions, GELU, biases and tied embeddings have GPT-2's layout; "
        "this one has positions={positions!r}, activation={activation!r}, bias={bias}, "
        "tie_embeddings={tie_embeddings}, causal={causal}, residual={residual}, norm={norm!r}.",
        positions=config.positions,
        activation=config.activation,
        bias=config.bias,
        tie_embeddings=config.tie_embeddings,
        causal=config.causal,
        residual=config.residual,
        norm=config.norm,
    )


def export_gpt2(model: GPT, folder: str | Path, tokenizer: Tokenizer | None = None) -> None:
    """Write a model as a Hugging Face GPT-2 folder that `GPT2LMHeadModel.from_pretrained` loads.

    With a tokenizer made of bytes and merges `AutoTokenizer.from_pretrained` loads that too, with the same ids; our
    own file of it (`tokenizer-lessons.json`) goes along, so that the folder can come back. Raises CheckpointError for
    shapes that GPT-2 does not have (rotary positions, ReLU², no biases, untied head).
    """
    config = model.config
    if obstacle := gpt2_obstacle(config):
        raise CheckpointError(obstacle)
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
            "activation_function": _OUR_ACTIVATIONS[config.activation],
            "layer_norm_epsilon": config.norm_epsilon,
            "tie_word_embeddings": True,
            "bos_token_id": None if tokenizer is None else tokenizer.end_of_text_id,
            "eos_token_id": None if tokenizer is None else tokenizer.end_of_text_id,
        },
    )
    if tokenizer is not None:
        tokenizer.save(folder / OWN_TOKENIZER)
        if can_export(tokenizer):
            (folder / "tokenizer.json").write_text(huggingface_json(tokenizer), "utf-8")
            end = next(iter(tokenizer.special_tokens), None)
            _write_json(
                folder / "tokenizer_config.json",
                {
                    "tokenizer_class": "PreTrainedTokenizerFast",
                    "model_max_length": config.context_length,
                    **({} if end is None else {"eos_token": end, "bos_token": end, "unk_token": end}),
                },
            )


def _require_memory(name: str, n_bytes: int) -> None:
    """Refuses weights that would drive the server into swapping: twice their size is held while they are read."""
    free = psutil.virtual_memory().available
    if 2 * n_bytes > free:
        raise CheckpointError(
            _(
                "{name} needs about {value:.1f} GB of memory while it is read and {free:.1f} GB are "
                "free: choose a smaller model or close other programs.",
                name=name,
                value=2 * n_bytes / 1e9,
                free=free / 1e9,
            )
        )


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True), "utf-8")
