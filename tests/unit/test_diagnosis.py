"""The rules on curves given by a formula, and on real runs that were broken."""

import dataclasses

import numpy as np
import pytest

from engine import diagnosis
from engine.diagnosis import diagnose
from engine.events import event_to_dict
from engine.faults import FAULTS, changed
from engine.run_facts import LeakCheck, RunFacts, leak_check, smoothed
from engine.runs.artifacts import ArtifactStore
from engine.runs.pretraining import PretrainingJob
from engine.runs.recipes import recipe_config
from engine.training import TrainingDiverged

BASELINES = {"uniform": 6.9, "unigram": 5.7, "bigram": 2.8, "trigram": 1.8}


def config(steps=300, *, model=None, **training):
    return recipe_config(
        "30s",
        "stories",
        n_chars=500_000,
        vocab_size=1000,
        model={"n_layers": 2, "d_model": 64, **(model or {})},
        training={"steps": steps, "seconds": None, **training},
    )


def healthy_loss(step, end=1.9):
    return end + (6.9 - end) * np.exp(-step / 50)


def facts(
    loss=healthy_loss,
    validation=None,
    *,
    steps=300,
    gradient=lambda step: 1.0,
    update=0.01,
    noise=0.05,
    of=None,
    **options,
):
    """What a run with these curves would have recorded; losses have the noise of batches."""
    dice = np.random.default_rng(0)
    events = [{"kind": "baselines", "step": 0, **BASELINES}]
    for step in range(1, steps + 1):
        measured = loss(step) + noise * dice.standard_normal()
        events.append({"kind": "step", "step": step, "loss": measured, "gradient_norm": gradient(step)})
    for step in range(0, steps + 1, max(1, steps // 20)):
        nats = (validation or loss)(step)
        events.append({"kind": "eval", "step": step, "validation_loss": nats, "bits_per_byte": nats / np.log(2) / 3.2})
        if update is not None and step:
            layers = [{"name": name, "gradient": 1.0, "weights": 10.0, "update": 10.0 * update} for name in PARTS]
            events.append({"kind": "layers", "step": step, "layers": layers})
    return RunFacts.from_events(of or config(steps), events, **options)


PARTS = ("embedding", "layer 1 attention", "layer 1 MLP", "head")


def climbing(step):
    return healthy_loss(step) + (6 * (step - 60) / 100 if 60 <= step <= 160 else 6 * (step > 160))


def turning(step):
    return healthy_loss(step, 3.0) + max(0.0, (step - 150) / 100)


def test_a_curve_that_falls_below_the_baselines_is_normal():
    found = diagnose(facts())
    assert found.main.kind == diagnosis.HEALTHY and not found.others
    assert "bigram baseline (2.80)" in found.main.sentence


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_the_noise_of_small_batches_is_no_finding(noise):
    assert diagnose(facts(noise=noise)).main.kind == diagnosis.HEALTHY


def test_a_climb_of_the_training_loss_is_a_rate_too_high_and_the_stretch_is_the_climb():
    found = diagnose(facts(climbing)).main
    assert found.kind == diagnosis.RATE_TOO_HIGH
    assert 50 <= found.stretch[0] <= 70 and 155 <= found.stretch[1] <= 175


def test_a_run_that_ended_in_no_number_had_a_rate_too_high_even_after_few_steps():
    error = "The loss became nan at step 9: the updates were too large."
    short = facts(steps=8, error=error)
    assert diagnose(short).main.kind == diagnosis.RATE_TOO_HIGH
    assert "not a number" in diagnose(short).main.sentence
    recorded = facts(lambda step: float("nan") if step == 200 else healthy_loss(step), noise=0)
    assert diagnose(recorded).main.kind == diagnosis.RATE_TOO_HIGH


def test_another_failure_is_not_blamed_on_the_rate():
    assert diagnose(facts(error="The disk is full.")).main.kind == diagnosis.HEALTHY


def test_huge_updates_with_a_poor_end_are_a_rate_too_high():
    poor = facts(lambda step: healthy_loss(step, 5.0), update=0.2)
    assert diagnose(poor).main.kind == diagnosis.RATE_TOO_HIGH
    assert diagnose(facts(update=0.2)).main.kind == diagnosis.HEALTHY


def test_small_updates_with_a_poor_end_are_a_rate_too_low():
    found = diagnose(facts(lambda step: 6.9 - step / 600, update=3e-4)).main
    assert found.kind == diagnosis.RATE_TOO_LOW
    assert found.remedy is None  # the rate in this config is the usual one already
    slow = dataclasses.replace(config(), training=dataclasses.replace(config().training, learning_rate=1e-4))
    slow = changed(slow, training={"matrix_learning_rate": 2e-4})
    remedy = diagnose(facts(lambda step: 6.9 - step / 600, update=3e-4, of=slow)).main.remedy
    assert (remedy.training.learning_rate, remedy.training.matrix_learning_rate) == (0.01, 0.02)


def test_a_run_without_layers_events_is_judged_by_its_rate():
    slow = changed(config(), training={"learning_rate": 1e-4, "matrix_learning_rate": 2e-4})

    def crawl(step):
        return 6.9 - step / 600

    assert diagnose(facts(crawl, update=None, of=slow)).main.kind == diagnosis.RATE_TOO_LOW
    assert diagnose(facts(crawl, update=None)).main.kind != diagnosis.RATE_TOO_LOW
    assert diagnose(facts(update=None)).main.kind == diagnosis.HEALTHY


def test_a_long_gradient_at_the_start_counts_only_without_a_warmup():
    def spike(step):
        return 9.0 if step == 3 else 1.0

    found = diagnose(facts(gradient=spike, of=config(warmup=0.0))).main
    assert found.kind == diagnosis.NO_WARMUP and found.remedy.training.warmup == 0.1
    assert diagnose(facts(gradient=spike)).main.kind == diagnosis.HEALTHY
    assert diagnose(facts(of=config(warmup=0.0))).main.kind == diagnosis.HEALTHY


def test_overfitting_names_the_step_where_validation_turned():
    found = diagnose(facts(healthy_loss, turning)).main
    assert found.kind == diagnosis.OVERFITTING
    assert found.stretch == (150, 300) and "After step 150" in found.sentence
    assert found.remedy.training.steps == 150


def test_a_text_much_smaller_than_its_model_is_named_before_what_it_causes():
    found = diagnose(facts(healthy_loss, turning, of=changed(config(), n_chars=20_000)))
    assert found.main.kind == diagnosis.DATA_TOO_SMALL
    assert found.main.remedy.n_chars == 1_000_000
    assert [other.kind for other in found.others] == [diagnosis.OVERFITTING]


def test_the_length_of_the_text_follows_from_bits_per_byte():
    assert facts().text_tokens == pytest.approx(500_000 * 0.9 / 3.2, rel=0.001)
    assert facts(corpus_chars=100_000).text_tokens == pytest.approx(100_000 * 0.9 / 3.2, rel=0.001)
    assert facts().passes == pytest.approx(300 * 32 * 32 / facts().text_tokens)


def test_a_plateau_at_the_unigram_baseline_is_a_stall():
    found = diagnose(facts(lambda step: max(5.6, 6.9 - step / 15), of=config(model={"residual": False}))).main
    assert found.kind == diagnosis.STALLED
    assert found.remedy.model.whole
    assert found.stretch[1] == 300


def test_a_run_that_still_fell_fast_was_stopped_too_soon():
    found = diagnose(facts(lambda step: 6.9 - step / 20, steps=40)).main
    assert found.kind == diagnosis.UNDER_TRAINED
    assert found.remedy.training.steps == 160


def test_a_loss_near_zero_is_a_leak_and_the_last_position_tells_which():
    def too_good(step):
        return healthy_loss(step, 0.05)

    assert diagnose(facts(too_good)).main.kind == diagnosis.LEAK
    assert diagnose(facts(too_good, leak=LeakCheck(9.0, 0.99, 100))).main.kind == diagnosis.UNSHIFTED
    found = diagnose(facts(too_good, leak=LeakCheck(3.7, 0.05, 100), of=config(model={"causal": False}))).main
    assert found.kind == diagnosis.MASK_OFF and found.remedy.model.causal
    assert "3.70" in found.sentence
    honest = facts(too_good, leak=LeakCheck(0.06, 0.01, 100))  # a text that really is so regular
    assert diagnose(honest).main.kind == diagnosis.HEALTHY


def test_a_live_run_is_told_only_what_is_certain():
    assert diagnose(facts(live=True)).main.kind == diagnosis.TOO_EARLY
    assert diagnose(facts(climbing, live=True)).main.kind == diagnosis.RATE_TOO_HIGH
    assert diagnose(facts(steps=10)).main.kind == diagnosis.TOO_EARLY
    assert diagnose(RunFacts.from_events(config(), [])).main.kind == diagnosis.TOO_EARLY


def test_losses_that_the_store_keeps_as_null_are_no_numbers():
    broken = [{"kind": "step", "step": n, "loss": None if n == 30 else 5.0, "gradient_norm": None} for n in range(40)]
    assert diagnose(RunFacts.from_events(config(), broken)).main.kind == diagnosis.RATE_TOO_HIGH


def test_smoothing_a_line_gives_the_line_half_a_window_later():
    line = np.arange(100.0)
    assert np.isnan(smoothed(line)[:6]).all()
    np.testing.assert_allclose(smoothed(line)[6:], line[6:] - 3)


def test_every_kind_has_a_title_and_every_rule_says_its_thresholds():
    kinds = {value for name, value in vars(diagnosis).items() if name.isupper() and isinstance(value, str)}
    assert kinds == set(diagnosis.TITLES)
    for rule in diagnosis.RULES:
        assert any(character.isdigit() for character in rule.__doc__), rule.__name__


# --- real runs -------------------------------------------------------------------------------------------------


def trained(config, folder) -> RunFacts:
    """The facts of a run of a second or two, with a look into its model."""
    job = PretrainingJob(config, ArtifactStore(str(folder / "artifacts"), folder / "scratch"))
    events, error = job.prepare(lambda _: None, fresh=True), ""
    trainer = job.trainer(None)
    try:
        events += [event_to_dict(event) for event in trainer.events()]
    except TrainingDiverged as divergence:
        error = str(divergence)
    check = leak_check(trainer.model, *job.material.validation)
    return RunFacts.from_events(config, events, error=error, leak=check)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", ["unshifted", "mask-off", "rate-high"])
def test_a_real_run_with_a_fault_is_seen_through(name, folder):
    sound = recipe_config(
        "30s",
        "stories",
        n_chars=60_000,
        vocab_size=300,
        model={"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16},
        training={"steps": 200, "seconds": None, "batch_size": 16, "prompts": (), "validation_tokens": 1024},
        seed=5,
    )
    fault = FAULTS[name]
    found = diagnose(trained(fault.broken(sound), folder)).main
    assert found.kind == fault.expected, found
    if name != "rate-high":
        assert found.remedy == sound
    else:
        assert found.remedy.training.learning_rate == sound.training.learning_rate
