"""The foundation model's recipe, and the pairs that leave a source out."""

import dataclasses

import pytest

from engine.errors import ConfigError
from engine.foundation import ABLATION_SIZES, ABLATION_WEIGHTS, WEIGHTS, ablation_pair, foundation_config


def test_the_recipe_names_the_run_that_ships():
    config = foundation_config()
    assert dict(config.corpora) == pytest.approx(WEIGHTS)
    assert foundation_config(seed=1).run_id != config.run_id
    with pytest.raises(ConfigError, match="unknown settings: pace"):
        foundation_config(training={"pace": 3})


@pytest.mark.parametrize("size", ABLATION_SIZES)
@pytest.mark.parametrize("without", ABLATION_WEIGHTS)
def test_the_two_runs_of_a_pair_differ_in_their_text_and_in_nothing_else(size, without):
    whole, ablated = ablation_pair(size, without=without)
    assert dataclasses.replace(whole, corpora=ablated.corpora) == ablated
    assert {name for name, _ in whole.corpora} - {name for name, _ in ablated.corpora} == {without}
    shares, left = dict(whole.corpora), dict(ablated.corpora)
    rest = 1 - shares[without]
    assert all(left[name] == pytest.approx(shares[name] / rest, abs=1e-5) for name in left)
    assert sum(left.values()) == pytest.approx(1, abs=1e-5)


def test_a_pair_can_be_made_of_what_is_installed_and_of_another_seed():
    whole, ablated = ablation_pair(weights={"stories": 1, "phrasebook": 1}, seed=3)
    assert dict(whole.corpora) == {"stories": 0.5, "phrasebook": 0.5} and dict(ablated.corpora) == {"stories": 1.0}
    assert whole.seed == whole.training.seed == 3


@pytest.mark.parametrize(
    "wrong", [{"size": "huge"}, {"without": "bbc-news"}, {"without": "stories", "weights": {"stories": 1.0}}]
)
def test_what_cannot_be_left_out_is_refused(wrong):
    with pytest.raises(ConfigError):
        ablation_pair(**wrong)
