"""Where a training computes: the choice, and that the processor's numbers stay what they are."""

import pytest
import torch

from engine.devices import PROCESSOR, Compute, choose_compute
from engine.errors import ConfigError
from engine.events import EvalEvent
from engine.gpt import GPT, GPTConfig
from engine.settings import Settings
from tests.unit.test_training import losses, make_trainer


@pytest.fixture
def gpus(monkeypatch):
    """Pretends that so many GPUs are there."""

    def pretend(n: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)

    return pretend


def test_without_a_gpu_the_processor_computes_as_ever(gpus):
    gpus(0)
    assert choose_compute() == PROCESSOR == Compute("cpu", "float32", False)
    with pytest.raises(ConfigError, match="found no GPU"):
        choose_compute("cuda")


def test_each_process_takes_the_gpu_of_its_number_in_half_precision_and_compiled(gpus):
    gpus(2)
    assert choose_compute(local_rank=1) == Compute("cuda:1", "bfloat16", True)
    assert choose_compute(precision="float32", compiled=False) == Compute("cuda:0", "float32", False)
    assert choose_compute("cpu") == PROCESSOR
    assert choose_compute(local_rank=2) == PROCESSOR
    with pytest.raises(ConfigError, match="process 2 found no GPU"):
        choose_compute("cuda", local_rank=2)


@pytest.mark.parametrize("wrong", [{"device": "tpu"}, {"precision": "int8"}])
def test_an_unknown_choice_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        choose_compute(**wrong)


def test_settings_name_the_device_of_the_workers(tmp_path):
    assert Settings.from_environment({"LLM_LAB_HOME": str(tmp_path)}).device == "auto"
    named = Settings.from_environment({"LLM_LAB_HOME": str(tmp_path), "LLM_LAB_DEVICE": "cpu"})
    assert named.device == "cpu" and Settings.from_environment(named.as_environment()) == named
    with pytest.raises(ConfigError, match="LLM_LAB_DEVICE"):
        Settings.from_environment({"LLM_LAB_DEVICE": "abacus"})


def test_a_model_and_what_it_reads_are_moved_together():
    away = Compute("meta")
    model = away.place(GPT(GPTConfig(50, 8, 1, 2, 16, positions="rotary")))
    ids = away.move(torch.zeros(2, 8, dtype=torch.int64))
    assert {each.device.type for each in [*model.parameters(), *model.buffers(), ids]} == {"meta"}
    assert model.loss(ids, ids).device.type == "meta"
    assert away.on_cpu(GPT(GPTConfig(50, 8, 1, 2, 16))).head.weight.device.type == "cpu"
    here = GPT(GPTConfig(50, 8, 1, 2, 16))
    assert PROCESSOR.place(here) is here and PROCESSOR.on_cpu(here) is here
    assert PROCESSOR.random_state() == {}


def test_half_precision_follows_the_same_course():
    full = make_trainer(steps=12)
    half = make_trainer(steps=12)
    half.compute = Compute(precision="bfloat16")
    ends = []
    for trainer in (full, half):
        events = list(trainer.events())
        ends.append([event for event in events if isinstance(event, EvalEvent)][-1].validation_loss)
    assert all(parameter.dtype == torch.float32 for parameter in half.model.parameters())
    assert ends[1] == pytest.approx(ends[0], rel=0.02)
    assert ends[1] != ends[0]


def test_the_processors_losses_are_bit_for_bit_those_of_before():
    """Recorded before a training could compute anywhere else."""
    found = losses(make_trainer(steps=6, evaluations=0, sample_tokens=0).events())
    assert [round(loss, 6) for loss in found] == pytest.approx(RECORDED, abs=2e-6)


RECORDED = [5.496702, 4.942625, 4.437502, 4.047795, 3.839607, 3.688403]
