import pytest

from engine.errors import ConfigError
from engine.published import GPT3_SOURCES, GPT3_TOKENS_SEEN, epochs, epochs_range, shares


def test_the_table_is_that_of_the_paper() -> None:
    rows = [(s.name, s.n_tokens // 10**9, round(100 * s.weight), s.epochs) for s in GPT3_SOURCES]
    assert rows == [
        ("Common Crawl", 410, 60, 0.44),
        ("WebText2", 19, 22, 2.9),
        ("Books1", 12, 8, 1.9),
        ("Books2", 55, 8, 0.43),
        ("Wikipedia", 3, 3, 3.4),
    ]
    assert sum(source.weight for source in GPT3_SOURCES) == pytest.approx(1.01)


def test_epochs_follow_from_weight_tokens_seen_and_size() -> None:
    computed = {s.name: epochs(s.weight, GPT3_TOKENS_SEEN, s.n_tokens) for s in GPT3_SOURCES}
    assert computed["Common Crawl"] == pytest.approx(0.439, abs=1e-3)
    assert computed["Wikipedia"] == pytest.approx(3.0)
    assert computed["WebText2"] == pytest.approx(3.474, abs=1e-3)


def test_rounding_explains_the_printed_epochs_of_all_sources_but_webtext2() -> None:
    explained = {s.name: epochs_range(s)[0] <= s.epochs <= epochs_range(s)[1] for s in GPT3_SOURCES}
    assert explained == {name: name != "WebText2" for name in explained}


@pytest.mark.parametrize(("weight", "seen", "size"), [(0.5, 100, 0), (-0.1, 100, 10), (0.5, -1, 10), (0.5, 1, -3)])
def test_epochs_of_impossible_sources_are_refused(weight: float, seen: float, size: float) -> None:
    with pytest.raises(ConfigError):
        epochs(weight, seen, size)


def test_shares_sum_to_one() -> None:
    assert sum(shares({"a": 2.0, "b": 5.0, "c": 0.0}).values()) == pytest.approx(1)
    for wrong in ({}, {"a": 0.0}, {"a": -1.0, "b": 2.0}):
        with pytest.raises(ConfigError):
            shares(wrong)
