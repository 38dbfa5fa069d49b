"""One text, one number of tokens, several widths: the runs from which the scaling lesson reads its laws.

They are ordinary runs with a fixed number of steps, so whoever asks for a size that somebody has trained already finds
it finished. The learning rate stays constant after a short warmup: then every point of a curve is the end of a shorter
run and may be compared with the others (Hoffmann et al. 2022 show that a schedule cut short is no such end).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.errors import RunError
from engine.gpt import GPTConfig
from engine.runs.config import RunConfig
from engine.scaling import count_parameters, flops_per_token, training_flops
from engine.scaling_laws import CurvePoint
from engine.training import TrainingConfig

WIDTHS = (16, 24, 32, 48, 64, 96)
"""d_model of the series: 6 thousand to 222 thousand parameters without embeddings."""
CHECK_WIDTH = 160
"""The larger one that is predicted first and trained afterwards."""
STEPS = 500
CORPORA = ("shakespeare", "stories")

FORMAT = 1
_WARM = 0.1  # of the steps: what comes before is the way from guessing, no law


def series_config(width: int, *, corpus: str = "shakespeare", steps: int = STEPS, seed: int = 0) -> RunConfig:
    """The run of one size: two layers of `width`, 512 tokens of BPE, windows of 64, 1,024 tokens a step.

    Raises ConfigError for a width that is no multiple of 8 and other settings that cannot work.
    """
    return RunConfig(
        corpora=((corpus, 1.0),),
        n_chars=4_000_000,
        vocab_size=512,
        model=GPTConfig(
            vocab_size=512,
            context_length=64,
            n_layers=2,
            n_heads=max(1, width // 16),
            d_model=width,
            positions="rotary",
            bias=False,
        ),
        training=TrainingConfig(
            steps=steps,
            batch_size=16,
            learning_rate=0.01,
            matrix_learning_rate=0.02,
            warmup=0.05,
            decay="constant",
            evaluations=12,
            validation_tokens=16_384,
            sample_tokens=16,
            seed=seed,
        ),
        seed=seed,
    )


@dataclass(frozen=True)
class SizeRun:
    """What one run measured. `evaluations`: (step, tokens read, validation loss in nats per token), in order; seconds
    of training.
    """

    run_id: str
    config: RunConfig
    evaluations: tuple[tuple[int, int, float], ...]
    seconds: float

    @property
    def width(self) -> int:
        """d_model."""
        return self.config.model.d_model

    @cached_property
    def n_parameters(self) -> int:
        """N of the scaling laws: without embeddings."""
        return count_parameters(self.config.model).non_embedding

    @property
    def n_total(self) -> int:
        """All parameters."""
        return self.config.model.n_parameters

    @property
    def loss(self) -> float:
        """The last validation loss, nats per token."""
        return self.evaluations[-1][2]

    @property
    def tokens(self) -> int:
        """Tokens read in training."""
        return self.evaluations[-1][1]

    @property
    def flops(self) -> float:
        """Operations of the whole training, by the exact count."""
        return float(flops_per_token(self.config.model).training * self.tokens)

    @property
    def rule_of_thumb(self) -> float:
        """The same by 6 N D with the parameters without embeddings."""
        return training_flops(self.n_parameters, self.tokens)

    def points(self, name: str | None = None) -> list[CurvePoint]:
        """Its curve against compute, without the first tenth of the steps."""
        per_token = flops_per_token(self.config.model).training
        first = _WARM * (self.config.training.steps or 0)
        name = name or f"width {self.width}, seed {self.config.seed}"
        return [CurvePoint(name, float(per_token * n), loss) for step, n, loss in self.evaluations if step >= first]


def size_run(run_id: str, config: RunConfig, evaluations: Sequence[dict[str, Any]], seconds: float) -> SizeRun | None:
    """A run from its recorded evaluations; None while there is none behind its first step, or a loss was not finite."""
    rows = tuple(
        (each["step"], each["tokens"], each["validation_loss"])
        for each in evaluations
        if each["validation_loss"] is not None
    )
    if not rows or rows[-1][0] == 0 or len(rows) < len(evaluations):
        return None
    return SizeRun(run_id, config, rows, seconds)


@dataclass(frozen=True)
class ShippedRecords:
    """Runs of the series that were measured before and ship with the course."""

    date: str
    machine: str
    runs: tuple[SizeRun, ...]


def write_records(path: Path, runs: Sequence[SizeRun], *, date: str, machine: str) -> None:
    """Keeps runs of `series_config` as a small JSON file: the config once, then each run's width, seed and losses."""
    rows = [
        {
            "width": run.width,
            "seed": run.config.seed,
            "run_id": run.run_id,
            "seconds": round(run.seconds, 1),
            "evaluations": [[step, tokens, round(loss, 5)] for step, tokens, loss in run.evaluations],
        }
        for run in runs
    ]
    header = {"format": FORMAT, "date": date, "machine": machine, "config": runs[0].config.to_dict()}
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = json.dumps(header, indent=1)[:-2] + ',\n "runs": [\n  ' + lines + "\n ]\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read_records(path: Path) -> ShippedRecords:
    """The inverse. RunError where the file cannot be read or a run has other settings than this version gives it."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}")
        ((corpus, _),) = data["config"]["corpora"]
        steps = data["config"]["training"]["steps"]
        runs = []
        for row in data["runs"]:
            config = series_config(row["width"], corpus=corpus, steps=steps, seed=row["seed"])
            if config.run_id != row["run_id"]:
                raise ValueError(f"run {row['run_id']} has other settings than this version's")
            evaluations = tuple((int(step), int(tokens), float(loss)) for step, tokens, loss in row["evaluations"])
            runs.append(SizeRun(row["run_id"], config, evaluations, float(row["seconds"])))
        return ShippedRecords(data["date"], data["machine"], tuple(runs))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"the records in {path.name} cannot be used ({error}): train the sizes here instead.") from error
