"""Classification as a run: recorded, killed and continued, kept apart from the run that its model comes from."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from engine.classification import Classifier, EncodedTexts, predict
from engine.errors import CheckpointError, ConfigError, RunError
from engine.events import event_from_dict
from engine.runs.classifying import (
    PRESETS,
    ClassificationConfig,
    ClassifierCheckpoint,
    classification_config,
    is_study,
    split_of,
    study_config,
)
from engine.runs.jobs import config_from_dict
from engine.runs.service import RunService
from engine.training import TrainingConfig
from tests.runs.helpers import Bench, run_killed_once, tiny_config

pytestmark = pytest.mark.usefixtures("no_waiting")


def rows() -> str:
    """150 different texts, a third of them spam, as JSON lines."""
    rng = np.random.default_rng(0)
    lines = []
    for n in range(150):
        label, opening = ("spam", "win a prize") if n % 3 == 0 else ("ham", "see you")
        word = "".join(rng.choice(list("abcdefgh"), 7))
        lines.append(json.dumps({"text": f"{opening} {word}", "label": label}))
    return "\n".join(lines)


@pytest.fixture
def base(bench: Bench, service: RunService) -> str:
    """The name of a kept model whose own run is gone."""
    run_id = bench.run(tiny_config(bench.upload(), steps=8))
    name = service.keep_model(run_id)
    assert service.keep_model(run_id) == name
    service.delete(run_id)
    return name


def tiny(bench: Bench, base: str, **changes: Any) -> ClassificationConfig:
    settings = {"steps": 12, "batch_size": 8, "optimizer": "adamw", "learning_rate": 1e-2, "evaluations": 3}
    training = TrainingConfig(**{**settings, **changes.pop("training", {})}, prompts=())
    return ClassificationConfig(bench.artifacts.save_upload(rows()), base, training, most_tokens=16, **changes)


def test_a_classification_is_recorded_with_its_data_and_evaluations(
    bench: Bench, service: RunService, base: str
) -> None:
    config = tiny(bench, base)
    run_id = bench.run(config)
    recorded = bench.store.events(run_id)
    (labelled,) = (event.payload for event in recorded if event.kind == "labelled")
    split = split_of(config, bench.artifacts)
    assert labelled["label_names"] == ["ham", "spam"]
    assert [sum(labelled["counts"][name]) for name in ("train", "validation", "test")] == [
        len(split.train), len(split.validation), len(split.test)
    ]  # fmt: skip
    last = [event_from_dict(event.payload) for event in recorded if event.kind == "eval"][-1]
    loaded = service.load_model(run_id)
    assert isinstance(loaded, ClassifierCheckpoint) and isinstance(loaded.model, Classifier)
    encoded = EncodedTexts.of(split.validation.texts, split.validation.labels, loaded.tokenizer, 16)
    predicted = predict(loaded.model, encoded).argmax(1)
    assert last.validation_accuracy == pytest.approx((predicted == np.array(split.validation.labels)).mean())
    assert sum(map(sum, last.confusion)) == len(split.validation)
    assert "validation_accuracy" in service.record_csv(run_id).split("\n")[0]
    assert [record.run_id for record in service.runs(job="classification")] == [run_id]


@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_a_killed_classification_goes_on_bit_for_bit(
    bench: Bench, base: str, monkeypatch: pytest.MonkeyPatch, trainable: str
) -> None:
    config = tiny(bench, base, trainable=trainable, seed=1)
    undisturbed = bench.losses(bench.run(config))
    bench.store.delete(config.run_id)
    run_id = run_killed_once(bench, monkeypatch, config, at_step=7)
    assert bench.losses(run_id) == undisturbed


def test_pretrained_and_random_start_share_tokenizer_and_shape(bench: Bench, service: RunService, base: str) -> None:
    zero = {"steps": 1, "learning_rate": 0.0}
    pretrained, random = (
        service.load_model(bench.run(tiny(bench, base, start=start, training=zero))).model
        for start in ("pretrained", "random")
    )
    assert pretrained.config == random.config
    same = torch.equal(pretrained.body.token_embedding.weight, random.body.token_embedding.weight)
    assert not same


def test_a_model_that_is_gone_is_named_when_the_run_fails(bench: Bench, service: RunService) -> None:
    run_id = bench.queue(tiny(bench, "model:" + "0" * 64))
    assert bench.execute(run_id) == "failed"
    assert "choose it again" in (bench.store.get(run_id).error or "")
    waiting = bench.queue(tiny_config(bench.upload(), steps=2, seed=5))
    with pytest.raises((CheckpointError, RunError), match="no such model"):
        service.keep_model(waiting)


def test_a_config_comes_back_from_json_and_wrong_settings_are_explained(bench: Bench, base: str) -> None:
    config = tiny(bench, base, balance=True, n_train=20, trainable="lora")
    read = config_from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config and read.run_id == config.run_id
    for changes, problem in (
        ({"data": "../etc"}, "data"),
        ({"base": "gpt2"}, "base"),
        ({"start": "middle"}, "start"),
        ({"trainable": "none"}, "trainable"),
        ({"n_train": 1}, "n_train"),
        ({"most_tokens": 0}, "most_tokens"),
        ({"colour": 1}, "colour"),
        ({"training": None}, "wrong type"),
    ):
        with pytest.raises(ConfigError, match=problem):
            config_from_dict({**config.to_dict(), **changes})


def test_a_finished_run_has_judged_its_test_texts(bench: Bench, service: RunService, base: str) -> None:
    config = tiny(bench, base)
    run_id = bench.run(config)
    (judged,) = (event.payload for event in bench.store.events(run_id) if event.kind == "test")
    test, loaded = split_of(config, bench.artifacts).test, service.load_model(run_id)
    encoded = EncodedTexts.of(test.texts, test.labels, loaded.tokenizer, 16)
    np.testing.assert_allclose(judged["probabilities"], predict(loaded.model, encoded), atol=1e-5)


def test_presets_and_the_runs_of_a_study_differ_only_in_what_they_are_asked(base: str) -> None:
    usual = classification_config(base)
    assert usual.training.seconds == PRESETS["90s"].seconds and not is_study(usual)
    assert classification_config(base, trainable="lora").training.learning_rate != usual.training.learning_rate
    few, many = study_config(base, 10, seed=2), study_config(base, None, seed=2, start="random")
    assert is_study(few) and (few.n_train, few.seed, few.split_seed) == (10, 2, 0)
    assert many.n_train is None and many.start == "random"
    assert few.training.steps is not None and many.training.steps is not None
    assert few.training.steps < many.training.steps
    for name, call in (
        ("preset", lambda: classification_config(base, "1h")),
        ("trainable", lambda: classification_config(base, trainable="none")),
        ("unknown settings", lambda: classification_config(base, training={"speed": 1})),
    ):
        with pytest.raises(ConfigError, match=name):
            call()
