"""Shares of a batch add up to the batch: a group whose members run one after the other."""

import pytest
import torch

from engine.errors import ConfigError
from engine.parallel import Group, ParallelTrainer, joined
from engine.windows import WindowSampler, split_ids
from tests.unit.test_training import TEXT, make_trainer


class Deaf(Group):
    """One of several processes, without the others: it says nothing and adds nothing."""

    def tell(self, order):
        pass

    def add_up(self, tensor):
        pass


def member(rank: int, size: int, **settings) -> ParallelTrainer:
    usual = make_trainer(**settings)
    return ParallelTrainer(usual.model, usual.sampler, usual.config, group=Deaf(rank, size))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_gradients_and_losses_of_all_shares_add_up_to_those_of_the_batch(size):
    settings = {"batch_size": 5, "accumulation": 2, "clip_norm": 1e9}
    whole = make_trainer(**settings)
    loss, _, n_tokens = whole._gradients(whole.model, 3)
    members = [member(rank, size, **settings) for rank in range(size)]
    parts = [each._gradients(each.model, 3) for each in members]
    assert sum(part[0] for part in parts) == pytest.approx(loss, rel=1e-6)
    assert {part[2] for part in parts} == {n_tokens}
    for name, parameter in whole.model.named_parameters():
        total = sum(dict(each.model.named_parameters())[name].grad for each in members)
        torch.testing.assert_close(total, parameter.grad, rtol=1e-4, atol=1e-6)


def test_every_window_of_a_step_is_read_by_exactly_one():
    sampler = WindowSampler(split_ids(TEXT, 0.1)[0], 16, 5, 0)
    rows = [member(rank, 3, batch_size=5)._read(2)[0][0][0] for rank in range(3)]
    assert sorted(map(tuple, torch.cat(rows).tolist())) == sorted(map(tuple, sampler.batch(2)[0].tolist()))


def test_more_processes_than_windows_are_refused():
    with pytest.raises(ConfigError, match="4 windows cannot be shared by 5"):
        member(0, 5)


def test_without_torchruns_variables_nobody_joins():
    with pytest.raises(ConfigError, match="start with torchrun"), joined({"RANK": "0"}, gpu=False):
        pass


def test_a_step_that_fails_half_way_leaves_the_others_untold(monkeypatch):
    trainer = member(0, 2)
    monkeypatch.setattr(type(trainer.model), "loss", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer._gradients(trainer.model, 0)
    assert trainer.group.broken
