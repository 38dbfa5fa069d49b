"""Faults are pure changes of one thing, and mysteries are the same for everybody."""

from collections import Counter

import pytest

from engine import diagnosis
from engine.errors import ConfigError
from engine.faults import FAULTS, SOUND, changed, laboratory_config, mystery, scaled_rates, title_of


def settings(config):
    """Every setting by its full name."""
    nested = config.to_dict()
    flat = {name: value for name, value in nested.items() if name not in ("model", "training")}
    usual = {"training.target_shift": 1, "model.residual": True, "model.norm": "layer"}
    inner = {f"{part}.{name}": value for part in ("model", "training") for name, value in nested[part].items()}
    return {**usual, **flat, **inner}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_fault_changes_one_thing_and_says_so(fault):
    config = laboratory_config(7)
    sound, broken = settings(fault.sound(config)), settings(fault.broken(config))
    differing = {name for name in sound if sound[name] != broken[name]}
    assert len(differing) == 1 or differing == {"training.learning_rate", "training.matrix_learning_rate"}
    assert fault.broken(config) == fault.broken(laboratory_config(7))  # pure
    assert config == laboratory_config(7)
    assert fault.broken(config).training.steps is not None  # every machine computes the same
    assert fault.does.endswith(".") and fault.look_for.endswith((".", ".)"))
    assert fault.expected in diagnosis.TITLES


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_what_a_fault_may_be_taken_for_is_something_else_that_exists(fault):
    assert len(set(fault.alternatives)) == 3
    assert set(fault.alternatives) <= {*FAULTS, SOUND} - {fault.name}
    assert title_of(fault.name) == fault.title and "sound" in title_of(SOUND)


def test_both_rates_are_scaled_and_parts_of_a_config_replaced():
    config = laboratory_config()
    scaled = scaled_rates(config, 100).training
    assert (scaled.learning_rate, scaled.matrix_learning_rate) == pytest.approx((1.0, 2.0))
    assert changed(config, n_chars=30_000, model={"n_heads": 1}).model.n_heads == 1
    assert changed(config) == config


def test_a_mystery_is_the_same_for_everybody_and_its_label_tells_nothing():
    assert mystery(4217) == mystery(4217)
    assert mystery(4217).label == "Mystery 4217"
    assert mystery(4217).config.run_id != mystery(4218).config.run_id


def test_the_truth_is_always_among_four_different_choices():
    for number in range(200):
        case = mystery(number)
        assert case.fault in case.choices and SOUND in case.choices
        assert len(set(case.choices)) == len(case.choices) == 4
        expected = laboratory_config(1000 + number)
        assert case.config == (expected if case.fault == SOUND else FAULTS[case.fault].broken(expected))


def test_mysteries_draw_every_hunted_fault_and_sound_runs_and_the_place_of_the_truth_varies():
    cases = [mystery(number) for number in range(300)]
    drawn = Counter(case.fault for case in cases)
    assert set(drawn) == {name for name, fault in FAULTS.items() if fault.hunted} | {SOUND}
    assert 0.1 < drawn[SOUND] / 300 < 0.35
    assert min(Counter(case.choices.index(case.fault) for case in cases).values()) > 40


@pytest.mark.parametrize("number", [-1, 10_000, 1.5, True, "1"])
def test_other_numbers_name_no_mystery(number):
    with pytest.raises(ConfigError, match="whole number from 0"):
        mystery(number)
