"""What a training takes from the socket: seconds × watts, and what that costs.

No meter is read. The seconds are measured, the watts and the price are assumptions of whoever asks, so every number
here is as good as these.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.checks import require_number
from engine.language import _

_WATER_J_PER_LITRE_K = 4186.0  # specific heat of water, 4,186 J/(kg K); a litre weighs a kilogram


@dataclass(frozen=True)
class Energy:
    """An amount of energy in joules."""

    joules: float

    @property
    def kilowatt_hours(self) -> float:
        """3.6 million joules each.

        >>> Energy(3.6e6).kilowatt_hours
        1.0
        """
        return self.joules / 3.6e6

    def cost(self, price_per_kwh: float) -> float:
        """In the unit of the price. ConfigError for a price below 0."""
        require_number(_("the price of a kilowatt-hour"), price_per_kwh, 0)
        return self.kilowatt_hours * price_per_kwh

    def litres_boiled(self, from_celsius: float = 15.0) -> float:
        """How much water it would bring to 100 °C if nothing got lost.

        >>> round(Energy(4186 * 85).litres_boiled(), 6)
        1.0
        """
        require_number(_("the temperature of the water (°C)"), from_celsius, 0, 100, below=True)
        return self.joules / (_WATER_J_PER_LITRE_K * (100.0 - from_celsius))


def training_energy(seconds: float, watts: float) -> Energy:
    """Of so many seconds at so many watts. ConfigError for a number below 0."""
    require_number(_("the seconds of training"), seconds, 0)
    require_number(_("the power (watts)"), watts, 0)
    return Energy(seconds * watts)
