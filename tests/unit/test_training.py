import copy
import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import engine
from engine.errors import ConfigError
from engine.events import (
    CheckpointEvent,
    EvalEvent,
    LayersEvent,
    PlanEvent,
    SampleEvent,
    StepEvent,
    event_from_dict,
    event_to_dict,
)
from engine.gpt import GPT, GPTConfig
from engine.optimizers import Muon, orthogonalize
from engine.training import (
    Trainer,
    TrainingConfig,
    TrainingDiverged,
    checkpoint_steps,
    evaluation_steps,
    learning_rate_at,
    mean_loss,
    train,
)
from engine.windows import WindowSampler, evaluation_windows, split_ids

TEXT = np.frombuffer(("the lion is in the forest. the bird is in the tree. " * 60).encode(), dtype=np.uint8)


class Bytes:
    n_vocab = 256

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def token_bytes(self, id: int) -> bytes:
        return bytes([id])


def make_trainer(model: GPT | None = None, **settings) -> Trainer:
    config = TrainingConfig(**{"steps": 40, "batch_size": 4, "evaluations": 5, "sample_tokens": 8, **settings})
    model = model or GPT(GPTConfig(256, 16, 2, 2, 32), seed=config.seed)
    training, validation = split_ids(TEXT, 0.1)
    return Trainer(
        model,
        WindowSampler(training, 16, config.batch_size, config.seed),
        config,
        validation=evaluation_windows(validation, 16),
        token_lengths=np.ones(256, dtype=np.int64),
        tokenizer=Bytes(),
    )


def losses(events) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepEvent)]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_loss_falls_from_guessing_to_nearly_knowing(optimizer):
    events = list(make_trainer(optimizer=optimizer, learning_rate=0.01, steps=120, warmup=0.05).events())
    evaluations = [event for event in events if isinstance(event, EvalEvent)]
    assert evaluations[0].validation_loss == pytest.approx(math.log(256), abs=0.2)
    assert evaluations[-1].validation_loss < 1.2
    assert evaluations[-1].perplexity == pytest.approx(math.exp(evaluations[-1].validation_loss))
    assert evaluations[-1].bits_per_byte == pytest.approx(evaluations[-1].validation_loss / math.log(2))


def test_two_trainings_with_the_same_seed_are_the_same_training():
    assert losses(make_trainer().events()) == losses(make_trainer().events())


def test_another_seed_is_another_training():
    assert losses(make_trainer(seed=1).events()) != losses(make_trainer().events())


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("stop_at", [1, 17, 39])
def test_a_resumed_training_repeats_the_uninterrupted_one_bit_for_bit(optimizer, stop_at):
    def fresh() -> GPT:
        return GPT(GPTConfig(256, 16, 2, 2, 32, dropout=0.2), seed=0)

    whole = [without_clock(e) for e in make_trainer(fresh(), optimizer=optimizer).events()]
    first = make_trainer(fresh(), optimizer=optimizer)
    seen = []
    for event in first.events():
        seen.append(without_clock(event))
        if first.step == stop_at and first.settled:
            break
    tensors, numbers = first.state()
    tensors, weights = copy.deepcopy(tensors), copy.deepcopy(first.model.state_dict())
    torch.manual_seed(999)
    second = make_trainer(fresh(), optimizer=optimizer)
    second.model.load_state_dict(weights)
    second.load_state(tensors, numbers)
    assert seen + [without_clock(e) for e in second.events()] == whole


def without_clock(event):
    clocks = {"seconds": 0.0, "tokens_per_second": 0.0}
    fields = {f.name for f in dataclasses.fields(event)}
    return dataclasses.replace(event, **{k: v for k, v in clocks.items() if k in fields})


def test_every_step_comes_once_and_reports_come_after_their_step():
    events = list(make_trainer().events())
    assert [e.step for e in events if isinstance(e, StepEvent)] == list(range(1, 41))
    steps = [e.step for e in events]
    assert steps == sorted(steps)
    assert {e.step for e in events if isinstance(e, EvalEvent)} == evaluation_steps(40, 5)
    assert {e.step for e in events if isinstance(e, CheckpointEvent)} == {0, 8, 16, 40} == checkpoint_steps(40)
    assert isinstance(events[-1], CheckpointEvent)
    assert events[-1].reason == "end"


def test_samples_carry_text_and_the_ten_most_probable_next_tokens():
    samples = [e for e in make_trainer().events() if isinstance(e, SampleEvent)]
    assert samples[0].prompt == "The lion is in the"
    for sample in samples:
        assert len(sample.candidates) == 10
        probabilities = [c.probability for c in sample.candidates]
        assert probabilities == sorted(probabilities, reverse=True)


def test_accumulated_micro_batches_with_unequal_masks_equal_one_large_batch():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (8, 16), generator=generator)
    y = torch.randint(256, (8, 16), generator=generator)
    y[:4, :13] = -100

    class Fixed:
        def __init__(self, size: int) -> None:
            self.size = size

        def batch(self, step: int):
            part = slice(step * self.size % 8, step * self.size % 8 + self.size)
            return x[part], y[part]

    def one_step(size: int, accumulation: int):
        model = GPT(GPTConfig(256, 16, 2, 2, 32), seed=0)
        config = TrainingConfig(steps=1, accumulation=accumulation, evaluations=0, optimizer="adamw")
        event = next(e for e in train(model, Fixed(size), config) if isinstance(e, StepEvent))
        return event, model

    (large, model), (small, _) = one_step(8, 1), one_step(2, 4)
    assert small.loss == pytest.approx(large.loss, abs=1e-5)
    assert small.gradient_norm == pytest.approx(large.gradient_norm, rel=1e-4)
    assert small.tokens == large.tokens == 128
    expected = F.cross_entropy(GPT(model.config, seed=0)(x).view(-1, 256), y.view(-1), ignore_index=-100)
    assert large.loss == pytest.approx(expected.item(), abs=1e-5)


def test_adamw_steps_are_those_of_torch():
    ours = GPT(GPTConfig(256, 16, 1, 2, 16), seed=0)
    theirs = copy.deepcopy(ours)
    sampler = WindowSampler(TEXT, 16, 4, 0)
    config = TrainingConfig(
        steps=5, optimizer="adamw", learning_rate=1e-3, warmup=0, decay="constant", evaluations=0, weight_decay=0.0
    )
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=1e-3, betas=(0.9, 0.99), eps=1e-10, weight_decay=0.0)
    ours_losses = losses(train(ours, sampler, config))
    theirs_losses = []
    for step in range(5):
        loss = theirs.loss(*sampler.batch(step))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimizer.step()
        theirs_losses.append(loss.item())
    assert ours_losses == pytest.approx(theirs_losses, abs=1e-4)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 32), (2, 32, 8)])
def test_newton_schulz_brings_singular_values_close_to_one_and_keeps_singular_vectors(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    result = orthogonalize(matrices, steps=9)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    singular = torch.linalg.svdvals(result)
    assert float(singular.min()) > 0.6
    assert float(singular.max()) < 1.3
    aligned = u.mT @ result @ v.mT
    torch.testing.assert_close(aligned, torch.diag_embed(aligned.diagonal(dim1=-2, dim2=-1)), atol=0.02, rtol=0)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 8, 12), (2, 8, 32), (2, 32, 8)])
def test_newton_schulz_moves_each_singular_value_by_the_published_quintic(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    u, singular, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    singular = singular / matrices.double().norm(dim=(-2, -1))[:, None]
    for _ in range(5):
        singular = 3.4445 * singular - 4.7750 * singular**3 + 2.0315 * singular**5
    expected = u @ torch.diag_embed(singular) @ v
    torch.testing.assert_close(orthogonalize(matrices).double(), expected, atol=1e-4, rtol=0)


def test_the_first_training_of_a_process_does_not_import_the_compiler():
    code = (
        "import sys, numpy as np\n"
        "from engine.gpt import GPT, GPTConfig\n"
        "from engine.training import TrainingConfig, train\n"
        "from engine.windows import WindowSampler\n"
        "sampler = WindowSampler(np.arange(90) % 7, 4, 2, 0)\n"
        "list(train(GPT(GPTConfig(7, 4, 1, 1, 4)), sampler, TrainingConfig(steps=2)))\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(engine.__file__).parent.parent, check=True)


def test_muon_treats_a_fused_matrix_as_three():
    fused = torch.nn.Parameter(torch.zeros(24, 8))
    parts = [torch.nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    gradient = torch.randn(24, 8, generator=torch.Generator().manual_seed(0))
    fused.grad = gradient
    for part, piece in zip(parts, gradient.chunk(3), strict=True):
        part.grad = piece
    Muon({"attention.qkv.weight": fused}).step(0.1)
    Muon({str(n): part for n, part in enumerate(parts)}).step(0.1)
    torch.testing.assert_close(fused.detach(), torch.cat([p.detach() for p in parts]), atol=1e-6, rtol=0)


def test_the_schedule_warms_up_linearly_and_decays_to_its_final_share():
    config = TrainingConfig(steps=100, warmup=0.2, decay="linear", final_rate=0.1)
    rates = [learning_rate_at(step, 100, config) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 20)
    assert rates[19] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    cosine = dataclasses.replace(config, decay="cosine")
    assert learning_rate_at(20 + 79 // 2, 100, cosine) == pytest.approx(0.55, abs=0.02)
    assert learning_rate_at(99, 100, dataclasses.replace(config, decay="constant")) == 1.0


def test_a_time_budget_becomes_a_plan_of_steps():
    events = list(make_trainer(steps=None, seconds=1.5).events())
    plan = events[0]
    assert isinstance(plan, PlanEvent)
    assert plan.seconds_per_step > 0
    assert len(losses(events)) == plan.total_steps


def test_the_rate_can_be_changed_while_it_runs():
    trainer = make_trainer(decay="constant", warmup=0)
    rates = []
    for event in trainer.events():
        if isinstance(event, StepEvent):
            rates.append(event.learning_rate)
            if event.step == 10:
                trainer.learning_rate_scale = 0.5
    assert rates[9] == pytest.approx(0.01)
    assert rates[10] == pytest.approx(0.005)


def test_a_loss_that_is_no_number_ends_the_training_with_advice():
    model = GPT(GPTConfig(256, 16, 1, 2, 16), seed=0)
    with torch.no_grad():
        model.blocks[0].mlp.up.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="learning rate below"):
        list(make_trainer(model, evaluations=0).events())


def test_the_mean_loss_counts_every_target_once():
    model = GPT(GPTConfig(256, 16, 1, 2, 16), seed=0)
    inputs, targets = evaluation_windows(TEXT, 16, max_tokens=16 * 7)
    targets[0, :5] = -100
    with torch.inference_mode():
        expected = float(model.loss(inputs, targets))
    assert mean_loss(model, inputs, targets, batch_size=3) == pytest.approx(expected, abs=1e-5)


def test_events_survive_their_dicts():
    for event in make_trainer().events():
        assert event_from_dict(event_to_dict(event)) == event


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "steps or seconds"),
        ({"steps": 5, "seconds": 5.0}, "steps or seconds"),
        ({"steps": 0}, "steps"),
        ({"seconds": -1.0}, "seconds"),
        ({"steps": 5, "batch_size": 0}, "batch_size"),
        ({"steps": 5, "beta2": 1.0}, "beta2"),
        ({"steps": 5, "warmup": 2.0}, "warmup"),
        ({"steps": 5, "optimizer": "sgd"}, "optimizer"),
        ({"steps": 5, "decay": "never"}, "decay"),
        ({"steps": 5, "clip_norm": 0.0}, "clip_norm"),
        ({"steps": 5, "learning_rate": float("nan")}, "learning_rate"),
        ({"steps": 5, "learning_rate": "0.01"}, "learning_rate"),
        ({"steps": 5, "embedding_rate": float("inf")}, "embedding_rate"),
        ({"steps": 5, "clip_norm": float("inf")}, "clip_norm"),
        ({"steps": True}, "steps"),
        ({"steps": 5.0}, "steps"),
        ({"steps": 5, "muon_steps": 2.5}, "muon_steps"),
        ({"steps": 5, "seed": -1}, "seed"),
        ({"steps": 5, "prompts": "The lion"}, "prompts"),
        ({"steps": 5, "prompts": (1,)}, "prompts"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_setting_named(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrainingConfig(**settings)


def test_a_config_survives_its_dict():
    config = TrainingConfig(steps=3, prompts=("a", "b"))
    assert TrainingConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigError, match="rate"):
        TrainingConfig.from_dict({"steps": 3, "rate": 1})


def test_the_step_before_an_evaluation_reports_how_every_part_moved():
    trainer = make_trainer(steps=10, evaluations=2, clip_norm=1e-3, optimizer="adamw")
    reports, steps, before = [], [], []
    for event in trainer.events():
        if isinstance(event, LayersEvent):
            reports.append(event)
        if isinstance(event, StepEvent):
            steps.append(event)
            before.append({name: p.detach().clone() for name, p in trainer.model.named_parameters()})
    assert [report.step for report in reports] == sorted(evaluation_steps(10, 2) - {0})
    for report in reports:
        whole = math.sqrt(sum(part.gradient**2 for part in report.layers))
        assert whole == pytest.approx(steps[report.step - 1].gradient_norm, rel=1e-4)  # parts are orthogonal
        old, new = before[report.step - 2], before[report.step - 1]
        moved = math.sqrt(sum(float((new[name] - old[name]).square().sum()) for name in old))
        assert math.sqrt(sum(part.update**2 for part in report.layers)) == pytest.approx(moved, rel=1e-4)
        length = math.sqrt(sum(float(weight.square().sum()) for weight in old.values()))
        assert math.sqrt(sum(part.weights**2 for part in report.layers)) == pytest.approx(length, rel=1e-4)
        names = [part.name for part in report.layers]
        assert names[0] == "embedding" and "layer 2 MLP" in names and "final norm" in names
        assert event_from_dict(event_to_dict(report)) == report


def test_watching_the_layers_changes_no_loss():
    def losses(trainer):
        return [event.loss for event in trainer.events() if isinstance(event, StepEvent)]

    class Unwatched(Trainer):
        watches_layers = False

    watched = make_trainer()
    unwatched = Unwatched(make_trainer().model, watched.sampler, watched.config, validation=watched.validation)
    assert losses(watched) == losses(unwatched)


def test_labels_that_are_not_shifted_ask_for_what_is_already_read():
    trainer = make_trainer(steps=150, target_shift=0)
    reported = [event for event in trainer.events() if isinstance(event, EvalEvent)][-1]
    inputs, targets = evaluation_windows(split_ids(TEXT, 0.1)[1], 16)
    assert reported.validation_loss == pytest.approx(mean_loss(trainer.model, inputs, inputs), rel=1e-5)
    assert reported.validation_loss < 0.3 < 3 < mean_loss(trainer.model, inputs, targets)
    assert "target_shift" not in TrainingConfig(steps=1).to_dict()
