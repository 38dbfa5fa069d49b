"""The trained examples that ship: they open, know where the lion is, and translate."""

import pytest

from engine.foundation import foundation_config
from engine.generation import SamplingConfig, generate, next_logits, next_token_distribution
from engine.runs.service import lab
from engine.translation import held_out_pairs, translate, translation_quality
from pages.shared import examples
from pages.shared.examples import example_foundation, example_run, example_translator

pytestmark = pytest.mark.usefixtures("shipped")


def test_the_example_is_a_finished_run_with_models_along_its_way():
    run_id = example_run()
    record = lab().run(run_id)
    assert record.state == "finished"
    assert len(lab().checkpoints(run_id)) == 5
    evaluations = lab().curve(run_id).evaluations
    assert evaluations[-1]["validation_loss"] < 0.25 * evaluations[0]["validation_loss"]


def test_the_example_puts_the_lion_in_the_forest():
    checkpoint = lab().load_model(example_run())
    ids = checkpoint.tokenizer.encode("The lion is in the")
    best = int(next_token_distribution(next_logits(checkpoint.model, ids), SamplingConfig()).top(1)[0])
    assert checkpoint.tokenizer.token_bytes(best) == b" forest"
    text = "".join(s.text for s in generate(checkpoint.model, checkpoint.tokenizer, ids, 30, SamplingConfig(0.7)))
    assert len(text.split()) > 15


def test_the_foundation_model_keeps_within_its_size_and_along_its_way():
    folder = examples.ASSETS / "foundation"
    run_id = example_foundation()
    record = lab().run(run_id)
    assert (record.state, record.step) == ("finished", record.config.training.steps)
    assert record.config == foundation_config()
    assert len(lab().checkpoints(run_id)) in (4, 8)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    assert max(sizes) <= 15e6 and sum(sizes) <= 60e6
    last = lab().curve(run_id).evaluations[-1]
    card = (folder / "README.md").read_text("utf-8")
    for source in last["sources"]:
        assert f"{source['bits_per_byte']:.2f}" in card and source["name"] in card


def test_the_foundation_model_knows_stories_and_verse():
    checkpoint = lab().load_model(example_foundation())
    tokenizer = checkpoint.tokenizer

    def written(prompt: str, n: int = 60) -> str:
        sampling = SamplingConfig(0.7, top_k=50, seed=1)
        return "".join(step.text for step in generate(checkpoint.model, tokenizer, prompt, n, sampling))

    ids = tokenizer.encode("The lion is in the")
    best = int(next_token_distribution(next_logits(checkpoint.model, ids), SamplingConfig()).top(1)[0])
    assert tokenizer.token_bytes(best) == b" forest"
    assert len(written("Once upon a time").split()) > 15
    lines = written("ROMEO:\n").split("\n")
    assert len(lines) >= 3 and all(len(line) < 80 for line in lines)  # verse has line ends of its own


def test_opening_the_example_twice_keeps_one_run():
    assert example_run() == example_run()
    assert len(lab().runs()) == 1


def test_the_translator_that_ships_translates_sentences_it_was_not_trained_on():
    run_id = example_translator()
    assert run_id == example_translator()
    assert [record.run_id for record in lab().runs(job="translation")] == [run_id]
    assert lab().runs() == []
    assert len(lab().checkpoints(run_id)) == 5
    checkpoint = lab().load_model(run_id)
    pairs = held_out_pairs("german", 260)[200:]  # those before were looked at during its training
    texts = translate(checkpoint.model, checkpoint.tokenizer, [pair.english for pair in pairs])
    assert translation_quality(texts, [pair.foreign for pair in pairs]).exact_match > 0.9
