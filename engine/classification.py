"""Classification fine-tuning: a language model's head is swapped for one with a row per class, and it learns labels.

The body reads a text from left to right as in pretraining. Under a causal mask only the last token has seen all of it,
so its vector is what the new head reads (Radford et al. 2018); the mean over all tokens is the other usual choice.
Texts are filled up at their right end, where a causal model cannot look, so that padding changes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.checks import require_choice, require_number, require_whole
from engine.errors import ConfigError
from engine.events import ClassificationEvalEvent, ClassificationTestEvent, Event
from engine.gpt import GPT, GPTConfig
from engine.language import _
from engine.lora import add_lora
from engine.training import TrainingConfig, TrainingLoop
from engine.windows import LengthBatches

Pooling = Literal["last", "mean"]
Trainable = Literal["head", "last block", "all", "lora"]
TRAINABLE = ("head", "last block", "all", "lora")
_EVALUATION_BATCH = 64


@dataclass(frozen=True)
class ClassifierConfig:
    """The shape of a classifier: its body, its classes, what the head reads and which weights learn.

    Raises ConfigError with the setting at fault. LoRA's rank and alpha count only where `trainable` is "lora".
    """

    body: GPTConfig
    label_names: tuple[str, ...]
    pooling: Pooling = "last"
    trainable: Trainable = "all"
    lora_rank: int = 8
    lora_alpha: float = 16.0

    def __post_init__(self) -> None:
        if not isinstance(self.body, GPTConfig) or not self.body.causal:
            raise ConfigError(_("the body of a classifier must be a causal GPT."))
        if len(self.label_names) < 2 or len(set(self.label_names)) < len(self.label_names):
            raise ConfigError(
                _(
                    "a classifier needs at least two labels of different names, not {label_names!r}.",
                    label_names=self.label_names,
                )
            )
        require_choice("pooling", self.pooling, ("last", "mean"))
        require_choice("trainable", self.trainable, TRAINABLE)
        require_whole("lora_rank", self.lora_rank, 1, self.body.d_model)
        require_number("lora_alpha", self.lora_alpha, 0, above=True)

    @property
    def n_classes(self) -> int:
        return len(self.label_names)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dict of every setting."""
        return {**asdict(self), "body": self.body.to_dict(), "label_names": list(self.label_names)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ClassifierConfig:
        """The inverse of `to_dict`."""
        body, names = GPTConfig.from_dict(data["body"]), tuple(data["label_names"])
        return cls(**{**data, "body": body, "label_names": names})


class Classifier(nn.Module):
    """A GPT without its head, and a linear map from its vector of a text to one score per class."""

    def __init__(self, config: ClassifierConfig, seed: int = 0, *, body: GPT | None = None) -> None:
        """From random weights, or on a copy of a pretrained `body` of the same shape."""
        super().__init__()
        if body is not None and body.config != config.body:
            raise ConfigError(_("the pretrained model has another shape than the config says."))
        self.config = config
        self.body = GPT(config.body, seed) if body is None else copy.deepcopy(body)
        self.body.head = nn.Identity()  # type: ignore[assignment]
        self.classify = nn.Linear(config.body.d_model, config.n_classes)
        generator = torch.Generator().manual_seed(seed)
        nn.init.normal_(self.classify.weight, std=0.02, generator=generator)
        nn.init.zeros_(self.classify.bias)
        self._choose_trainable(seed)

    def _choose_trainable(self, seed: int) -> None:
        for parameter in self.body.parameters():
            parameter.requires_grad_(self.config.trainable == "all")
        if self.config.trainable == "lora":
            add_lora(self.body, self.config.lora_rank, self.config.lora_alpha, seed=seed)
        if self.config.trainable == "last block":
            for part in (self.body.layers[-1], self.body.norm):
                part.requires_grad_(True)

    @property
    def n_parameters(self) -> int:
        """All numbers of the model."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def n_trainable(self) -> int:
        """Those that learn."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Scores (B, K) for ids (B, T), of which the first `lengths` (B,) of each row are its text."""
        return self.classify(self.pooled(self.body.hidden(ids), lengths))

    def pooled(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """One vector (B, C) for each text out of those of its tokens (B, T, C)."""
        if self.config.pooling == "last":
            return hidden[torch.arange(len(hidden)), lengths - 1]
        inside = torch.arange(hidden.shape[1]) < lengths[:, None]
        return (hidden * inside[..., None]).sum(1) / lengths[:, None]


def kept_tokens(n: int, most: int) -> list[int]:
    """Which of `n` tokens are read where at most `most` may be: a third from the beginning, the others from the end.

    The middle of a text tells least about its label (Sun et al. 2019).

    >>> kept_tokens(10, 6)
    [0, 1, 6, 7, 8, 9]
    """
    first = most // 3
    return list(range(n)) if n <= most else [*range(first), *range(n - most + first, n)]


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as ids, cut to the context, with a label (0 … K − 1) each."""

    ids: tuple[tuple[int, ...], ...]
    labels: tuple[int, ...]

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[int], tokenizer: Any, most: int) -> EncodedTexts:
        """Every text keeps `most` tokens (see `kept_tokens`); one without any is a single token 0."""
        encoded = (tokenizer.encode(text) for text in texts)
        return cls(
            tuple(tuple(ids[place] for place in kept_tokens(len(ids), most)) or (0,) for ids in encoded), tuple(labels)
        )

    def __len__(self) -> int:
        return len(self.ids)

    def thinned(self, rows: Sequence[int], share: float, rng: np.random.Generator) -> EncodedTexts:
        """Some of the texts, each without a random `share` (0 to 1) of its tokens; at least one token remains.

        No word can then decide alone, which keeps a small set from being learned by heart (Iyyer et al. 2015).
        """
        ids = [np.asarray(self.ids[row]) for row in rows]
        kept = [each[rng.random(len(each)) >= share] for each in ids]
        texts = (tuple((few if len(few) else each[:1]).tolist()) for few, each in zip(kept, ids, strict=True))
        return EncodedTexts(tuple(texts), tuple(self.labels[row] for row in rows))

    def batch(self, rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids (B, T) filled up with 0, lengths (B,) and labels (B,), all int64."""
        lengths = torch.tensor([len(self.ids[row]) for row in rows])
        ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
        for place, row in enumerate(rows):
            ids[place, : len(self.ids[row])] = torch.tensor(self.ids[row])
        return ids, lengths, torch.tensor([self.labels[row] for row in rows])


@torch.inference_mode()
def predict(model: Classifier, encoded: EncodedTexts) -> np.ndarray:
    """Probabilities (N, K) float32, in the order of the texts."""
    model.eval()
    found = np.zeros((len(encoded), model.config.n_classes), dtype=np.float32)
    order = sorted(range(len(encoded)), key=lambda row: len(encoded.ids[row]))
    for start in range(0, len(order), _EVALUATION_BATCH):
        rows = order[start : start + _EVALUATION_BATCH]
        ids, lengths, _unused = encoded.batch(rows)
        found[rows] = model(ids, lengths).softmax(-1).numpy()
    return found


def confusion_matrix(labels: Sequence[int], predicted: Sequence[int], n_classes: int) -> np.ndarray:
    """How many texts of class i were called j, (K, K) int64.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)), 1)
    return counts


class ClassificationTrainer(TrainingLoop):
    """The training of a classifier. Its training accuracy is measured on `n_measured` of the training texts; where a
    `test` set is given, it is judged once, at the end. `token_dropout`: see `EncodedTexts.thinned`.
    """

    model: Classifier

    def __init__(
        self,
        model: Classifier,
        train: EncodedTexts,
        validation: EncodedTexts,
        config: TrainingConfig,
        *,
        test: EncodedTexts | None = None,
        n_measured: int = 150,
        token_dropout: float = 0.0,
    ) -> None:
        super().__init__(model, config)
        if not len(validation):
            raise ConfigError(_("there is no text to validate on: give more rows."))
        self.train, self.validation, self.test = train, validation, test
        self.token_dropout = token_dropout
        self.measured = EncodedTexts(train.ids[:n_measured], train.labels[:n_measured])
        # Not sorted by length: spam is longer than ham, and batches of one class pull the head to and fro.
        self.batches = LengthBatches([len(ids) for ids in train.ids], config.batch_size, config.seed, pool=1)

    def _gradients(self, model: Classifier, step: int) -> tuple[float, float, int]:
        model.train()
        rng = np.random.default_rng([self.config.seed, step])
        texts = self.train.thinned(self.batches.rows(step), self.token_dropout, rng)
        rows = sorted(range(len(texts)), key=lambda row: len(texts.ids[row]))
        for parameter in model.parameters():
            parameter.grad = None
        loss, n_tokens = 0.0, 0
        # Short and long texts go through apart, and their gradients add up: the same sum with less padding.
        for half in filter(None, (rows[: len(rows) // 2], rows[len(rows) // 2 :])):
            ids, lengths, labels = texts.batch(half)
            part = F.cross_entropy(model(ids, lengths), labels, reduction="sum") / len(rows)
            part.backward()
            loss += part.item()
            n_tokens += int(lengths.sum())
        learned = [parameter for parameter in model.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(learned, self.config.clip_norm, foreach=True)
        return loss, float(norm), n_tokens

    def _evaluations(self) -> list[Event]:
        train, validation = (self._measure(each) for each in (self.measured, self.validation))
        matrix = confusion_matrix(self.validation.labels, validation[2], self.model.config.n_classes)
        return [
            ClassificationEvalEvent(
                self.step,
                self.tokens,
                self.seconds,
                train[0],
                validation[0],
                train[1],
                validation[1],
                tuple(map(tuple, matrix.tolist())),
                tuple(validation[2]),
            )
        ]

    def _measure(self, encoded: EncodedTexts) -> tuple[float, float, list[int]]:
        """Loss (nats per text), accuracy, and what each text was called."""
        probabilities = predict(self.model, encoded)
        labels = np.asarray(encoded.labels)
        loss = float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean())
        predicted = probabilities.argmax(1)
        return loss, float((predicted == labels).mean()), predicted.tolist()

    def _reports(self, evaluate_at: set[int], keep_at: set[int]) -> list[Event]:
        """The last report of a training judges the test set; its time is not that of the training."""
        reports = super()._reports(evaluate_at, keep_at)
        if self.test is not None and len(self.test) and self.step == self.total_steps:
            said = predict(self.model, self.test).astype(float).round(6)
            reports.insert(0, ClassificationTestEvent(self.step, self.seconds, tuple(map(tuple, said.tolist()))))
        return reports
