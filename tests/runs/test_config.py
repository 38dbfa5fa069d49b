"""A run's name is its settings, and settings that would hurt a server are refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.runs.config import RunConfig
from engine.training import TrainingConfig

MODEL = GPTConfig(vocab_size=500, context_length=32, n_layers=2, n_heads=2, d_model=32)


def config(**changes: Any) -> RunConfig:
    settings: dict[str, Any] = {
        "corpora": (("shakespeare", 1.0),),
        "n_chars": 100_000,
        "vocab_size": 500,
        "model": MODEL,
        "training": TrainingConfig(steps=100),
    }
    return RunConfig(**{**settings, **changes})


def test_equal_settings_have_one_id_and_any_change_gives_another() -> None:
    ids = {config().run_id, config().run_id}
    assert len(ids) == 1
    changed = [
        config(seed=1),
        config(n_chars=100_001),
        config(tokenizer_kind="char"),
        config(corpora=(("stories", 1.0),)),
        config(model=dataclasses.replace(MODEL, n_layers=3)),
        config(training=TrainingConfig(steps=101)),
        config(training=TrainingConfig(steps=100, prompts=("To be",))),
    ]
    assert len({c.run_id for c in changed} | ids) == len(changed) + 1


def test_the_way_a_mixture_is_written_does_not_change_its_id() -> None:
    first = config(corpora=(("stories", 1), ("shakespeare", 3)))
    second = config(corpora=[("shakespeare", 0.75), ("stories", 0.25)])
    assert first.run_id == second.run_id
    assert first.corpora == (("shakespeare", 0.75), ("stories", 0.25))


@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 2, 4), (0.1, 0.7, 0.3), (1, 1, 998)])
def test_a_config_survives_json_with_its_id(weights: tuple[float, ...]) -> None:
    names = ("bbc-news", "shakespeare", "stories")
    before = config(corpora=tuple(zip(names, weights, strict=True)))
    after = RunConfig.from_dict(json.loads(json.dumps(before.to_dict())))
    assert after == before
    assert after.run_id == before.run_id


def test_runs_that_read_the_same_text_share_a_tokenizer() -> None:
    assert config(seed=1).tokenizer_key == config(seed=2).tokenizer_key
    assert config(training=TrainingConfig(steps=7)).tokenizer_key == config().tokenizer_key
    assert config(vocab_size=600).tokenizer_key != config().tokenizer_key
    mixture = (("shakespeare", 1), ("stories", 1))
    assert config(corpora=mixture, seed=1).tokenizer_key != config(corpora=mixture, seed=2).tokenizer_key


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"corpora": ()}, "at least one corpus"),
        ({"corpora": (("../../etc/passwd", 1.0),)}, "passwd"),
        ({"corpora": (("upload:../x", 1.0),)}, "no name of a corpus"),
        ({"corpora": (("stories", -1.0),)}, "weight of stories"),
        ({"corpora": (("stories", float("nan")),)}, "weight of stories"),
        ({"corpora": (("stories", 1.0), ("stories", 1.0))}, "once"),
        ({"n_chars": 10**9}, "n_chars"),
        ({"n_chars": 2000.5}, "n_chars"),
        ({"validation_fraction": 0.9}, "validation_fraction"),
        ({"tokenizer_kind": "pickle"}, "tokenizer_kind"),
        ({"vocab_size": 10**6}, "vocab_size"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        (
            {"model": GPTConfig(vocab_size=50_000, context_length=1024, n_layers=12, n_heads=12, d_model=768)},
            "parameters",
        ),
        ({"model": dataclasses.replace(MODEL, context_length=4096)}, "context_length"),
        ({"training": TrainingConfig(steps=10**7)}, "steps"),
        ({"training": TrainingConfig(seconds=10**6)}, "seconds"),
        ({"training": TrainingConfig(steps=10, batch_size=10_000)}, "tokens"),
        ({"training": TrainingConfig(steps=10, accumulation=10_000)}, "tokens"),
        ({"training": TrainingConfig(steps=10, evaluations=10_000)}, "evaluations"),
        ({"training": TrainingConfig(steps=10, prompts=("a",) * 100)}, "prompts"),
        ({"training": TrainingConfig(steps=10, prompts=("",))}, "prompt"),
        ({"training": TrainingConfig(steps=10, prompts=("\ud800",))}, "prompt"),
        ({"training": TrainingConfig(steps=10, muon_steps=10**6)}, "muon_steps"),
        ({"training": TrainingConfig(steps=10, seed=2**40)}, "seed"),
        ({"model": GPTConfig(vocab_size=500, context_length=16, n_layers=5000, n_heads=1, d_model=4)}, "n_layers"),
    ],
)
def test_what_would_occupy_a_server_or_makes_no_sense_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        config(**changes)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda data: data.update(colour="red"), "colour"),
        (lambda data: data["training"].update(colour="red"), "colour"),
        (lambda data: data["model"].update(colour="red"), "colour"),
        (lambda data: data.pop("model"), "model"),
        (lambda data: data.update(corpora="shakespeare"), "wrong type"),
        (lambda data: data.update(training=3), "wrong type"),
        (lambda data: data["training"].update(batch_size="8"), "wrong type|batch_size"),
    ],
)
def test_a_damaged_dict_is_refused_with_a_sentence(damage: Any, named: str) -> None:
    data = json.loads(json.dumps(config().to_dict()))
    damage(data)
    with pytest.raises(ConfigError, match=named):
        RunConfig.from_dict(data)
