"""Numbers and times in words, from the smallest to the largest that a page says."""

import pytest

from pages.shared.quantities import count, duration, estimate, plural, short, size


def test_numbers_are_written_to_be_read():
    assert [count(n) for n in (12, 2775, 124_439_808, 3.14e23)] == ["12", "2,775", "124.4 million", "3.1 · 10²³"]
    assert [size(n) for n in (3, 12_288, 498e6, 1.4e12)] == ["3 bytes", "12.3 kB", "498 MB", "1.4 TB"]
    assert short(266e6) == "266 M"
    assert [plural(n, "token", "tokens") for n in (1, 1200)] == ["1 token", "1,200 tokens"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (1e-5, "0.01 ms"),
        (0.5, "500 ms"),
        (5, "5 s"),
        (7.25, "7.2 s"),
        (75, "75 s"),
        (90, "1.5 min"),
        (600, "10 min"),
        (5400, "1.5 h"),
        (86_400, "24 h"),
        (3 * 86_400, "3 days"),
        (3e9, "95 years"),
        (3e15, "95.1 million years"),
    ],
)
def test_a_measured_time_is_said_in_the_unit_that_suits_it(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (0.4, "1 s"), (40.4, "40 s"), (89.6, "2 min"), (200, "3 min"), (3600, "60 min"), (9000, "2.5 h")],
)
def test_an_expected_time_is_said_in_whole_seconds_or_minutes(seconds, said):
    assert estimate(seconds) == said
