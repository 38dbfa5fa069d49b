"""Time, money and utilisation against published figures."""

import pytest

from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.hardware import DEVICES, GPT3_2020, Bill, achieved_flops, model_flops_utilisation, training_bill
from engine.scaling import flops_per_token


def bill_of_2020() -> Bill:
    device = GPT3_2020
    return training_bill(3.14e23, peak=device.peak_half, utilisation=device.utilisation, price=device.price)


def test_gpt3_takes_355_years_and_4_6_million_dollars_on_the_v100_of_2020():
    bill = bill_of_2020()
    assert bill.device_years == pytest.approx(355, rel=0.005)
    assert bill.cost == pytest.approx(4.6e6, rel=0.02)


def test_more_devices_take_less_time_for_the_same_money():
    alone = bill_of_2020()
    many = training_bill(3.14e23, peak=125e12, utilisation=28 / 125, price=1.5, n_devices=1024)
    assert many.seconds == pytest.approx(alone.seconds / 1024)
    assert many.cost == pytest.approx(alone.cost)
    assert alone.device_hours == pytest.approx(alone.device_seconds / 3600)


def test_a_training_at_full_peak_has_a_utilisation_of_one():
    config = GPTConfig.preset("gpt2")
    speed = 989e12 / flops_per_token(config).training
    assert model_flops_utilisation(config, speed, 989e12) == pytest.approx(1)
    assert achieved_flops(config, speed) == pytest.approx(3 * achieved_flops(config, speed, training=False), rel=1e-6)


def test_every_device_has_a_source_a_date_and_numbers_that_can_be():
    for device in DEVICES:
        assert device.source and device.date
        assert 0 < device.utilisation < 1 and device.peak_half > device.peak_single > 1e12
        assert device.memory >= 16e9 and device.price > 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"peak": 0}, "peak"),
        ({"utilisation": 1.2}, "share of the peak"),
        ({"utilisation": 0}, "utilisation"),
        ({"price": -1}, "price"),
        ({"price": float("nan")}, "price"),
        ({"n_devices": 0}, "devices"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        training_bill(1e20, **{"peak": 1e14, "utilisation": 0.4, **wrong})
    with pytest.raises(ConfigError):
        model_flops_utilisation(GPTConfig.preset("gpt2"), 10, 0)
