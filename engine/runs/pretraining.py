"""Pretraining as a job: text, tokenizer, windows and baselines for a language model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from engine.checkpoint import Checkpoint, Restored, load_checkpoint
from engine.gpt import GPT
from engine.language import _
from engine.ngram import baselines
from engine.parallel import ParallelTrainer
from engine.runs import preparation
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import LEARNED_KINDS, RunConfig
from engine.runs.jobs import Job
from engine.tokenizer import Tokenizer
from engine.training import Trainer
from engine.windows import WindowSampler


@dataclass(frozen=True)
class _Material:
    """What training needs besides the model."""

    tokenizer: Tokenizer
    sampler: WindowSampler
    validation: tuple[torch.Tensor, torch.Tensor]
    sources: dict[str, slice]


class PretrainingJob(Job):
    """A language model learns the next token of a text."""

    eval_columns = ("train_loss", "validation_loss", "perplexity", "bits_per_byte")
    material: _Material

    def __init__(self, config: RunConfig, artifacts: ArtifactStore) -> None:
        self.config = config
        self.artifacts = artifacts

    @staticmethod
    def config_from_dict(data: dict[str, Any]) -> RunConfig:
        return RunConfig.from_dict(data)

    @staticmethod
    def load(folder: str | Path) -> Checkpoint:
        return load_checkpoint(folder)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.material.tokenizer

    def prepare(self, say: Callable[[str], None], *, fresh: bool) -> list[dict[str, Any]]:
        config = self.config
        say(_("reading the corpus"))
        text = preparation.read_corpora(config, self.artifacts)
        tokenizer = preparation.stored_tokenizer(config, self.artifacts)
        if tokenizer is None:
            learned = config.tokenizer_kind in LEARNED_KINDS
            size = _(" (up to {vocab_size:,} tokens)", vocab_size=config.vocab_size) if learned else ""
            say(
                _(
                    "{ending} the {tokenizer_kind} tokenizer{size}",
                    ending="learning" if learned else "loading",
                    tokenizer_kind=config.tokenizer_kind,
                    size=size,
                )
            )
            tokenizer = preparation.learn_tokenizer(config, text.everything, self.artifacts)
        say(_("encoding the text"))
        train_ids, held_out = text.encode(tokenizer, config.validation_fraction)
        sampler = WindowSampler(train_ids, config.model.context_length, config.training.batch_size, config.seed)
        validation, sources = preparation.validation_windows(held_out, config)
        self.material = _Material(tokenizer, sampler, validation, sources)
        if not fresh:
            return []
        say(_("measuring the baselines"))
        inputs, targets = validation
        rows = torch.cat([inputs[:, :1], targets], dim=1).numpy()  # (N, T + 1), what the model is measured on
        measured = baselines(train_ids, rows, tokenizer.n_vocab)
        if config.training.objective == "masked":  # counting from the left alone is another task
            measured = {name: measured[name] for name in ("uniform", "unigram")}
        return [{"kind": "baselines", "step": 0, **measured}]

    def trainer(self, restored: Restored[Any, Any] | None) -> Trainer:
        material = self.material
        if restored is None:
            masked = self.config.training.objective == "masked"  # its table has an entry for the mask
            shape = dataclasses.replace(self.config.model, vocab_size=material.tokenizer.n_vocab + masked)
            model = GPT(shape, seed=self.config.seed)
        else:
            model = restored.model
        options: dict[str, Any] = {
            "validation": material.validation,
            "sources": material.sources if len(material.sources) > 1 else None,
            "token_lengths": preparation.token_lengths(material.tokenizer),
            "tokenizer": material.tokenizer,
            "compute": self.compute,
        }
        make = Trainer if self.group is None else partial(ParallelTrainer, group=self.group)
        trainer = make(model, material.sampler, self.config.training, **options)
        if restored is not None and restored.training_tensors is not None and restored.training_numbers is not None:
            trainer.load_state(restored.training_tensors, restored.training_numbers)
        return trainer
