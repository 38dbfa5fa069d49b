"""What a training takes on real devices: time from operations, money from time, and how well a device was used.

Numbers of devices are makers' peaks of dense matrix products; prices change every month, so each has its date and is
meant to be overwritten. Utilisation is the share of the peak that a training reaches: model FLOPs utilisation, MFU
(Chowdhery et al. 2022, arXiv:2204.02311, appendix B).
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.checks import require_number
from engine.errors import ConfigError
from engine.gpt import GPTConfig
from engine.language import N_, _
from engine.scaling import flops_per_token

HOUR = 3600.0
YEAR = 365.25 * 86_400


@dataclass(frozen=True)
class Device:
    """A chip for rent. Peaks in FLOP/s of dense products: `peak_half` of 16-bit numbers on matrix units, `peak_single`
    of plain float32. memory in bytes, price in US dollars an hour; `utilisation` is a share of `peak_half` (0 to 1).
    """

    name: str
    peak_half: float
    peak_single: float
    memory: float
    price: float
    utilisation: float
    source: str
    date: str


DEVICES = (
    Device(
        "V100",
        125e12,
        15.7e12,
        32e9,
        1.50,
        28 / 125,
        N_(
            "28 TFLOP/s and $1.50/h (reserved for three years): the estimate for GPT-3 of Lambda, C. Li. Chowdhery et "
            "al. 2022 give 21.3 % for GPT-3."
        ),
        N_("June 2020"),
    ),
    Device(
        N_("A100 80 GB"), 312e12, 19.5e12, 80e9, 1.30, 0.45, N_("specialised clouds, $1.10 to 1.50"), N_("May 2026")
    ),
    Device(
        N_("H100 SXM"),
        989e12,
        67e12,
        80e9,
        3.00,
        0.40,
        N_("specialised clouds, $2.50 to 3.50; Llama 3: 38 to 43 %"),
        N_("May 2026"),
    ),
    Device(N_("H200 SXM"), 989e12, 67e12, 141e9, 4.00, 0.40, N_("specialised clouds, $3.50 to 4.50"), N_("May 2026")),
    Device("B200", 2250e12, 75e12, 180e9, 5.25, 0.40, N_("specialised clouds, $4.50 to 6.00"), N_("March 2026")),
)
"""Examples with their dates; utilisation without a source is an assumption."""

GPT3_2020 = DEVICES[0]
"""What the well-known estimate of 4.6 million dollars for GPT-3 assumed."""


@dataclass(frozen=True)
class Bill:
    """What so many operations take: seconds of one device, hours of it to pay, seconds until `n_devices` are done."""

    flops: float
    device_seconds: float
    price: float
    n_devices: int

    @property
    def device_hours(self) -> float:
        """Hours of one device."""
        return self.device_seconds / HOUR

    @property
    def device_years(self) -> float:
        """Years of one device."""
        return self.device_seconds / YEAR

    @property
    def seconds(self) -> float:
        """Seconds until all are done, if the work is shared without loss."""
        return self.device_seconds / self.n_devices

    @property
    def cost(self) -> float:
        """Money for all devices, in the currency of the price."""
        return self.device_hours * self.price


def training_bill(flops: float, *, peak: float, utilisation: float, price: float = 0.0, n_devices: int = 1) -> Bill:
    """Time and money for `flops` operations on devices of `peak` FLOP/s, of which the share `utilisation` is reached.

    >>> bill = training_bill(3.14e23, peak=125e12, utilisation=28 / 125, price=1.5)
    >>> round(bill.device_years), round(bill.cost / 1e6, 1)
    (355, 4.7)

    Raises ConfigError for numbers that cannot be.
    """
    require_number(_("the operations"), flops, 0)
    require_number(_("the peak"), peak, 0, above=True)
    require_number(_("the utilisation"), utilisation, 0, 1, above=True, note=_(": it is a share of the peak"))
    require_number(_("the price"), price, 0)
    if n_devices < 1:
        raise ConfigError(_("{n_devices} devices cannot train anything: take at least one.", n_devices=n_devices))
    return Bill(flops, flops / (peak * utilisation), price, int(n_devices))


def achieved_flops(config: GPTConfig, tokens_per_second: float, *, training: bool = True) -> float:
    """FLOP/s that a model's own arithmetic amounts to at this speed, by the exact count of `flops_per_token`."""
    flops = flops_per_token(config)
    return tokens_per_second * (flops.training if training else flops.forward)


def model_flops_utilisation(config: GPTConfig, tokens_per_second: float, peak: float) -> float:
    """MFU of a training: the model's own operations per second as a share of `peak` FLOP/s.

    Nothing that is computed twice counts, so it compares programs, not how busy a device is. Raises ConfigError for a
    peak or speed below 0.
    """
    require_number(_("the peak"), peak, 0, above=True)
    require_number(_("the speed"), tokens_per_second, 0)
    return achieved_flops(config, tokens_per_second) / peak
