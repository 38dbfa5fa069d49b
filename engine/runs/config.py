"""A run as a frozen value: text, tokenizer, model, training and seed. Its hash is its name.

Two learners who ask for the same thing get the same id, hence share one computation. What is written here comes from
web forms and files, so everything is checked again, and nothing is accepted that would occupy a server for hours.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.checks import require_choice, require_number, require_whole
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import _
from engine.runs.artifacts import UPLOAD
from engine.training import TrainingConfig

TOKENIZER_KINDS = ("bpe", "char", "byte", "word", "gpt2")
LEARNED_KINDS = ("bpe", "char", "word")
"""Those whose vocabulary is learned from the text."""

MAX_CHARS = 20_000_000
MAX_VOCAB_SIZE = 60_000
GPT2_VOCAB_SIZE = 50_257
MAX_PARAMETERS = 50_000_000
MAX_CONTEXT_LENGTH = 1024
MAX_TOKENS_PER_STEP = 65_536
MAX_STEPS = 200_000
MAX_SECONDS = 24 * 3600.0
MAX_EVALUATIONS = 200
MAX_PROMPTS = 8
MAX_LAYERS = 64
MAX_MUON_STEPS = 20
MAX_SEED = 2**31 - 1

_UPLOAD_NAME = re.compile(r"upload:[0-9a-f]{64}")
_CORPUS_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes.

    corpora: pairs of a corpus name (or "upload:<sha256>") and its weight; kept sorted, weights made to sum to 1.
    n_chars: how much text is read, None for all there is. model.vocab_size is the size asked for; the tokenizer that
    is learned decides the real one, and "gpt2" always has its own. Raises ConfigError with the setting at fault.
    """

    corpora: tuple[tuple[str, float], ...]
    model: GPTConfig
    training: TrainingConfig
    n_chars: int | None = None
    validation_fraction: float = 0.1
    tokenizer_kind: str = "bpe"
    vocab_size: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "corpora", _normalised(self.corpora))
        if self.tokenizer_kind == "gpt2" and isinstance(self.model, GPTConfig):
            object.__setattr__(self, "vocab_size", GPT2_VOCAB_SIZE)
            object.__setattr__(self, "model", dataclasses.replace(self.model, vocab_size=GPT2_VOCAB_SIZE))
        if self.n_chars is not None:
            require_whole("n_chars", self.n_chars, 1000, MAX_CHARS)
        require_number("validation_fraction", self.validation_fraction, 0.01, 0.5)
        require_choice("tokenizer_kind", self.tokenizer_kind, TOKENIZER_KINDS)
        require_whole("vocab_size", self.vocab_size, 2, MAX_VOCAB_SIZE)
        require_whole("seed", self.seed, 0, MAX_SEED)
        self._check_size()
        self._check_length()

    def _check_size(self) -> None:
        model = self.model
        if not isinstance(model, GPTConfig):
            raise ConfigError(_("model must be a GPTConfig."))
        require_whole(_("vocab_size of the model"), model.vocab_size, 2, MAX_VOCAB_SIZE)
        require_whole("context_length", model.context_length, 2, MAX_CONTEXT_LENGTH)
        require_whole("n_layers", model.n_layers, 1, MAX_LAYERS)
        if model.n_parameters > MAX_PARAMETERS:
            raise ConfigError(
                _(
                    "the model has {n_parameters:,} parameters; runs here may have {max_parameters:,}. "
                    "Choose fewer layers or a smaller d_model.",
                    n_parameters=model.n_parameters,
                    max_parameters=MAX_PARAMETERS,
                )
            )

    def _check_length(self) -> None:
        training = self.training
        if not isinstance(training, TrainingConfig):
            raise ConfigError(_("training must be a TrainingConfig."))
        for name in ("batch_size", "accumulation"):
            require_whole(name, getattr(training, name), 1, MAX_TOKENS_PER_STEP)
        tokens = training.batch_size * training.accumulation * self.model.context_length
        if tokens > MAX_TOKENS_PER_STEP:
            raise ConfigError(
                _(
                    "a step would read {tokens:,} tokens (batch × accumulation × context); at most "
                    "{max_tokens_per_step:,} are allowed. Choose a smaller batch.",
                    tokens=tokens,
                    max_tokens_per_step=MAX_TOKENS_PER_STEP,
                )
            )
        if training.steps is not None:
            require_whole("steps", training.steps, 1, MAX_STEPS)
        if training.seconds is not None:
            require_number("seconds", training.seconds, 0, MAX_SECONDS, note=_(", which is a day"))
        require_whole("muon_steps", training.muon_steps, 1, MAX_MUON_STEPS)
        require_whole(_("the seed of the training"), training.seed, 0, MAX_SEED)
        require_whole("evaluations", training.evaluations, 0, MAX_EVALUATIONS)
        require_whole("validation_tokens", training.validation_tokens, 1, 10**6)
        require_whole("sample_tokens", training.sample_tokens, 0, 500)
        if training.objective == "masked" and self.model.causal:
            raise ConfigError(_('with objective "masked" the model must see both sides of a gap: set causal to false.'))
        if len(training.prompts) > MAX_PROMPTS:
            raise ConfigError(
                _(
                    "{n_prompts} prompts are too many; at most {max_prompts} are sampled.",
                    n_prompts=len(training.prompts),
                    max_prompts=MAX_PROMPTS,
                )
            )
        for prompt in training.prompts:
            if not 1 <= len(prompt) <= 500 or any("\ud800" <= character <= "\udfff" for character in prompt):
                raise ConfigError(
                    _("each sample prompt must be a text of 1 to 500 characters, none of them half a pair.")
                )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every setting."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["corpora"] = [list(pair) for pair in self.corpora]
        values["model"] = self.model.to_dict()
        values["training"] = self.training.to_dict()
        return values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RunConfig:
        """The inverse of `to_dict`. ConfigError names what is unknown, missing or of the wrong type."""
        try:
            unknown = sorted(set(data) - {field.name for field in dataclasses.fields(cls)})
            if unknown:
                raise ConfigError(_("the run config has unknown settings: {join}.", join=", ".join(unknown)))
            values = dict(data)
            values["corpora"] = tuple((name, weight) for name, weight in data["corpora"])
            values["model"] = GPTConfig.from_dict(data["model"])
            values["training"] = TrainingConfig.from_dict(data["training"])
            return cls(**values)
        except KeyError as error:
            raise ConfigError(_("the run config lacks the setting {args!r}.", args=error.args[0])) from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(_("the run config has a value of the wrong type: {error}.", error=error)) from error

    @cached_property
    def run_id(self) -> str:
        """16 hexadecimal digits: the SHA-256 of the settings as JSON in a fixed form."""
        return digest(self.to_dict())

    @property
    def tokenizer_key(self) -> str:
        """The hash of what decides the tokenizer: text, kind, size. Runs that agree in these share it."""
        learned = self.tokenizer_kind in LEARNED_KINDS
        return digest(
            {
                "corpora": self.corpora,
                "n_chars": self.n_chars,
                "seed": self.seed if len(self.corpora) > 1 else None,  # the seed mixes corpora
                "kind": self.tokenizer_kind,
                "vocab_size": self.vocab_size if learned else None,
            }
        )


def digest(value: Any) -> str:
    """16 hexadecimal digits of a JSON-able value; 1 and 1.0 count as the same number."""
    text = json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _normalised(corpora: Any) -> tuple[tuple[str, float], ...]:
    try:
        pairs = [(name, weight) for name, weight in corpora]
    except (TypeError, ValueError):
        raise ConfigError(_("corpora ({corpora!r}) must be pairs of a name and a weight.", corpora=corpora)) from None
    if not pairs:
        raise ConfigError(_("choose at least one corpus: there is nothing to read."))
    if len({name for name, _unused in pairs}) < len(pairs):
        raise ConfigError(_("each corpus may be named once: add up the weights."))
    for name, weight in pairs:
        if not isinstance(name, str) or not (_UPLOAD_NAME if name.startswith(UPLOAD) else _CORPUS_NAME).fullmatch(name):
            raise ConfigError(_("{name!r} is no name of a corpus.", name=name))
        require_number(_("the weight of {name}", name=name), weight, 0, 1e9, above=True)
    total = sum(weight for _unused, weight in pairs)
    if abs(total - 1) < 1e-5:
        total = 1.0  # shares already, but for their rounding: read back, they must stay what they are
    shares = tuple(sorted((name, round(weight / total, 6)) for name, weight in pairs))
    if min(share for _unused, share in shares) < 0.001:
        raise ConfigError(_("a corpus with less than a thousandth of the text is not worth mixing in: leave it out."))
    return shares
