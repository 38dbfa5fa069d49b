"""Instruction fine-tuning as a lesson: own pairs, template and mask, a run, its answers, scores, and its update."""

from __future__ import annotations

import dataclasses
import json
import os

import pytest

from engine.instruction_files import as_json_lines
from engine.instructions import Example
from engine.runs.execution import execute
from engine.runs.instructing import instruction_config, load_tuned
from engine.runs.questions_asked import greedy_answer
from engine.runs.service import lab
from tests.pages.conftest import tiny_config
from tests.pages.helpers import open_lesson, words

PAGE = "instructions.py"
PAIRS = [Example(f"What is number {n}?", f"It is {n}.") for n in range(30)]
PARTS = ("Data and template", "Train it", "Ask it", "Mark it yourself", "How much better?", "Compare", "LoRA")


@pytest.fixture
def base() -> str:
    """The name of a kept model that reads 64 bytes at a time; its run stays."""
    config = tiny_config(steps=4)
    shape = dataclasses.replace(config.model, context_length=64, vocab_size=257)
    config = dataclasses.replace(config, tokenizer_kind="byte", vocab_size=257, model=shape)
    run_id = lab().submit(config, "Base · test")
    assert execute(run_id, dict(os.environ)) == "finished"
    return lab().keep_model(run_id)


def tuned(base: str, preset: str = "full", **changes) -> str:
    data = lab().save_upload(as_json_lines(PAIRS))
    training = {"steps": 6, "batch_size": 4, "evaluations": 2}
    config = instruction_config(data, base, preset, training=training, **changes)
    run_id = lab().submit(config, f"Numbers · {preset}")
    assert execute(run_id, dict(os.environ)) == "finished"
    return run_id


@pytest.mark.parametrize("part", PARTS)
def test_without_any_model_every_part_says_what_to_do(part: str):
    app = open_lesson(PAGE, part)
    said = words(app)
    assert "What to notice" in said
    assert "Train one in **Pretraining**" in said or "needs a fine-tuned model" in said or "with **LoRA** first" in said


def test_the_template_decides_what_is_read_and_what_cannot_work_is_explained(base: str):
    app = open_lesson(PAGE, "Data and template")
    assert "1,018 pairs to train on" in words(app)
    assert "of which" in words(app)
    app.text_area(key="instruction-without").set_value("Just this").run()
    assert "{instruction}" in app.warning[0].value
    app.button(key="instruction-use-alpaca").click().run()
    assert not app.exception and not app.warning
    assert "### Response:" in words(app)


def test_own_pairs_come_from_the_table_and_a_broken_file_is_explained(base: str):
    app = open_lesson(PAGE, "Data and template")
    app.segmented_control(key="instruction-data").set_value("own").run()
    assert "5 pairs to train on" in words(app)
    assert app.session_state["instruction-own"].startswith("upload:")
    app.file_uploader(key="instruction-file").set_value(("pairs.json", b"{broken", "application/json")).run()
    assert "This is not JSON" in app.warning[0].value
    lines = as_json_lines(PAIRS).encode()
    app.file_uploader(key="instruction-file").set_value(("pairs.jsonl", lines, "application/jsonl")).run()
    assert not app.exception
    assert "27 pairs to train on" in words(app)
    kept = {"instruction-own-file": app.session_state["instruction-own-file"], "instruction-data": "own"}
    again = open_lesson(PAGE, "Data and template", **kept)  # as a link brings it, or whoever comes back to the page
    assert "27 pairs to train on" in words(again) and any("pairs.jsonl" in each.value for each in again.text)
    again.button(key="instruction-forget").click().run()
    assert not again.exception and "5 pairs to train on" in words(again)


def test_a_press_on_train_makes_a_run_of_the_settings(base: str):
    app = open_lesson(PAGE, "Train it", **{"instruction-preset": "lora", "instruction-mask": False})
    next(each for each in app.button if each.label == "Train").click().run()
    assert not app.exception
    (record,) = lab().runs(job="instructions")
    assert record.config.tunable == "lora" and record.config.base == base and not record.config.mask_prompt
    assert record.label == "Airline · LoRA r = 16 · prompt not masked"


def test_a_run_shows_its_answers_beside_the_references(base: str):
    run_id = tuned(base)
    app = open_lesson(PAGE, "Train it", instruction_run=run_id)
    assert {metric.label for metric in app.metric} >= {"Exact match", "ROUGE-L", "Loss of answers"}
    assert "of these 3 are exactly right" in words(app)


def test_both_models_are_asked_the_same_and_the_reference_stands_beside(base: str):
    run_id = tuned(base)
    app = open_lesson(PAGE, "Ask it", instruction_run=run_id)
    said = words(app)
    assert "**Pretrained**" in said and "**Fine-tuned**" in said and "**The table says**" in said
    shown = [each.value for each in app.text]
    prompt = next(each for each in shown if each.startswith("Question: "))
    for model in (lab().load_model(run_id), load_tuned(lab().artifacts.kept_model(lab().run(run_id).config.base))):
        assert (greedy_answer(model, prompt) or "(nothing: it ends at once)") in shown
    app.toggle(key="ask-all").set_value(True).run()
    assert not app.exception
    app.toggle(key="ask-own").set_value(True).run()
    app.text_input[0].set_value("<script>alert(1)</script>").run()
    assert not app.exception
    app.text_input[0].set_value("x" * 300).run()
    assert not app.exception


def test_scores_stay_covered_until_all_answers_are_marked(base: str):
    app = open_lesson(PAGE, "Mark it yourself", instruction_run=tuned(base))
    assert "0 of 3 marked" in words(app)
    for control in [each for each in app.segmented_control if each.key and each.key.startswith("mark:")]:
        control.set_value("wrong")
    app.run()
    assert not app.exception
    assert "You and exact match agree on" in words(app)


def test_both_models_are_scored_with_intervals_and_forgetting_is_measured(base: str):
    app = open_lesson(PAGE, "How much better?", instruction_run=tuned(base))
    table = app.dataframe[0].value
    assert list(table["Model"]) == ["pretrained", "fine-tuned"]
    assert "**exact match** went from" in words(app)
    app.toggle(key="score-forgetting").set_value(True).run()
    assert not app.exception
    assert "suffered most" in words(app)


def test_the_ways_to_learn_are_started_together_and_compared(base: str):
    app = open_lesson(PAGE, "Compare")
    button = next(each for each in app.button if each.label.startswith("Start 3 runs"))
    button.click().run()
    assert not app.exception
    assert {record.config.tunable for record in lab().runs(job="instructions")} == {"all", "lora", "last block"}
    assert list(app.dataframe[0].value["Run"]) == ["All weights", "LoRA", "Last block"]


def test_the_update_is_shown_used_in_part_and_merged_without_a_difference(base: str):
    app = open_lesson(PAGE, "LoRA", instruction_run=tuned(base, "lora", lora_rank=2))
    said = words(app)
    assert "of the size of the matrix it is added to" in said
    assert "rounding, and nothing else" in said
    app.slider(key="lora-strength").set_value(0.0).run()
    assert not app.exception
    app.slider(key="lora-rank-asked").set_value(16).run()
    assert any(metric.label == "This model, r = 16" for metric in app.metric)


def test_answers_with_markup_are_shown_as_text(base: str):
    pairs = [Example(f"Ask {n} <b>", f"<script>{n}</script> $x$ **b**") for n in range(12)]
    data = lab().save_upload("\n".join(json.dumps({"instruction": p.instruction, "output": p.answer}) for p in pairs))
    config = instruction_config(data, base, training={"steps": 2, "batch_size": 4, "evaluations": 1})
    run_id = lab().submit(config, "Markup")
    assert execute(run_id, dict(os.environ)) == "finished"
    app = open_lesson(PAGE, "Ask it", instruction_run=run_id)
    assert any("<script>" in text.value for text in app.text)
    assert not any("<script>" in each.value for each in (*app.markdown, *app.caption))
