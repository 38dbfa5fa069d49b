"""The trained example that ships: it opens, and it knows where the lion is."""

from engine.generation import SamplingConfig, generate, next_logits, next_token_distribution
from engine.runs.service import lab
from pages.shared.examples import example_run


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


def test_opening_the_example_twice_keeps_one_run():
    assert example_run() == example_run()
    assert len(lab().runs()) == 1
