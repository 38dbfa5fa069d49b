"""Instruction fine-tuning as a run: recorded, killed and continued, its model whole or with low-rank updates."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.events import event_from_dict
from engine.instruction_sets import own_instructions
from engine.instructions import read_examples
from engine.runs.instructing import InstructionConfig, instruction_config, read_set
from engine.runs.jobs import config_from_dict
from engine.runs.service import RunService
from engine.tuning import EncodedQuestions, LoRAGPT, give_answers
from tests.runs.helpers import Bench, run_killed_once, tiny_config

pytestmark = pytest.mark.usefixtures("no_waiting")


def pairs() -> str:
    """40 different pairs as JSON lines."""
    return "\n".join(json.dumps({"instruction": f"Ask {n}", "output": f"Say {n}"}) for n in range(40))


@pytest.fixture
def base(bench: Bench, service: RunService) -> str:
    """The name of a kept model that reads bytes and 64 of them at a time."""
    config = tiny_config(bench.upload(), steps=6)
    shape = dataclasses.replace(config.model, context_length=64, vocab_size=257)
    return service.keep_model(
        bench.run(dataclasses.replace(config, tokenizer_kind="byte", vocab_size=257, model=shape))
    )


def tiny(bench: Bench, base: str, preset: str = "full", **changes: Any) -> InstructionConfig:
    training = {"steps": 12, "batch_size": 8, "evaluations": 3, **changes.pop("training", {})}
    return instruction_config(bench.artifacts.save_upload(pairs()), base, preset, training=training, **changes)


def test_an_instruction_run_is_recorded_with_its_answers(bench: Bench, service: RunService, base: str) -> None:
    config = tiny(bench, base)
    run_id = bench.run(config)
    recorded = bench.store.events(run_id)
    (counted,) = (event.payload for event in recorded if event.kind == "instructions")
    assert (counted["n_train"], counted["n_measured"], counted["n_too_long"]) == (36, 4, 0)
    assert counted["n_trainable"] == counted["n_parameters"]
    last = [event_from_dict(event.payload) for event in recorded if event.kind == "eval"][-1]
    loaded = service.load_model(run_id)
    held_out = read_set(config.data, config.seed, bench.artifacts)
    assert held_out == own_instructions(read_examples(pairs()))
    questions = EncodedQuestions.of(held_out.measured, config.as_template(), loaded.tokenizer, 63)
    answers = give_answers(loaded.model, questions, loaded.tokenizer)
    assert last.exact_match == sum(answer.right for answer in answers) / 4
    shown = [event_from_dict(event.payload) for event in recorded if event.kind == "answers"][-1]
    assert shown.answers == tuple(answers)
    assert "rouge_l" in service.record_csv(run_id).split("\n")[0]
    assert [record.run_id for record in service.runs(job="instructions")] == [run_id]


@pytest.mark.parametrize("preset", ["full", "lora", "last block"])
def test_a_killed_instruction_run_goes_on_bit_for_bit(
    bench: Bench, base: str, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    config = tiny(bench, base, preset, seed=1, lora_rank=2)
    undisturbed = bench.losses(bench.run(config))
    bench.store.delete(config.run_id)

    run_id = run_killed_once(bench, monkeypatch, config, at_step=7)
    assert bench.losses(run_id) == undisturbed


def test_the_run_that_a_kept_model_came_from_is_found_until_it_is_deleted(
    bench: Bench, service: RunService, base: str
) -> None:
    (record,) = service.runs()
    assert service.run_of_model(base) == (record.run_id, 6)
    windows, sources = service.validation_sources(record.run_id, 256)
    assert {rows.stop - rows.start for rows in sources.values()} == {len(windows[0])}
    service.delete(record.run_id)
    assert service.run_of_model(base) is None


def test_the_checkpoint_of_lora_holds_the_base_and_its_updates(bench: Bench, service: RunService, base: str) -> None:
    loaded = service.load_model(bench.run(tiny(bench, base, "lora", lora_rank=2, lora_alpha=4)))
    assert isinstance(loaded.model, LoRAGPT)
    assert (loaded.model.config.lora_rank, loaded.model.config.lora_alpha) == (2, 4)


def test_a_config_comes_back_from_json_and_wrong_settings_are_explained(bench: Bench, base: str) -> None:
    config = tiny(bench, base, n_train=20, template=("Q {instruction}\nA", "{input} {instruction}"))
    read = config_from_dict(json.loads(json.dumps(config.to_dict())))
    assert read == config and read.run_id == config.run_id
    for changes, problem in (
        ({"data": "recipes"}, "data"),
        ({"data": "upload:../etc"}, "data"),
        ({"base": "gpt2"}, "base"),
        ({"template": ("Question:", "{input} {instruction}")}, "instruction"),
        ({"template": ("{instruction}" * 100, "{input} {instruction}")}, "characters"),
        ({"tunable": "head"}, "tunable"),
        ({"n_train": 0}, "n_train"),
        ({"most_tokens": 1}, "most_tokens"),
        ({"training": {"batch_size": 512}, "most_tokens": 1024}, "lower one"),
    ):
        with pytest.raises(ConfigError, match=problem):
            data, kept = changes.pop("data", config.data), changes.pop("base", base)
            instruction_config(data, kept, **{"training": {"steps": 2}, **changes})
    with pytest.raises(ConfigError, match="preset"):
        instruction_config("airline", base, "tiny")


def test_a_model_that_stops_reading_too_soon_is_named(bench: Bench, base: str) -> None:
    run_id = bench.queue(tiny(bench, base, template=("{instruction}" + " x" * 60, "{input}{instruction}")))
    assert bench.execute(run_id) == "failed"
    assert "no example fits" in (bench.store.get(run_id).error or "")
