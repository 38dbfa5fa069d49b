"""Numbers about classifiers against scikit-learn's, on random probabilities with ties; intervals by closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as theirs

from engine.classification_metrics import (
    calibration,
    class_f1,
    counts_at,
    mean_interval,
    quality,
    rarest_class,
    reported_f1,
    threshold_curve,
)
from engine.errors import ConfigError


def random_case(seed: int, n: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    positive[:2] = [True, False]
    scores = np.clip(0.35 * positive + rng.random(n) * 0.65, 0, 1)
    return positive, scores.round(1) if ties else scores


CASES = given(seed=st.integers(0, 10_000), n=st.integers(2, 120), ties=st.booleans())


@CASES
@settings(max_examples=40, deadline=None)
def test_what_comes_out_at_a_threshold_is_what_scikit_learn_counts(seed, n, ties):
    positive, scores = random_case(seed, n, ties)
    for threshold in (0.0, 0.3, 0.5, 1.0):
        found, called = counts_at(positive, scores, threshold), scores >= threshold
        matrix = theirs.confusion_matrix(positive, called, labels=[False, True])
        assert [[found.true_negatives, found.false_positives], [found.false_negatives, found.true_positives]] == (
            matrix.tolist()
        )
        assert found.accuracy == pytest.approx(theirs.accuracy_score(positive, called))
        assert found.precision == pytest.approx(theirs.precision_score(positive, called, zero_division=0))
        assert found.recall == pytest.approx(theirs.recall_score(positive, called))
        assert found.f1 == pytest.approx(theirs.f1_score(positive, called, zero_division=0))


@CASES
@settings(max_examples=40, deadline=None)
def test_the_curves_and_their_areas_are_those_of_scikit_learn(seed, n, ties):
    positive, scores = random_case(seed, n, ties)
    curve = threshold_curve(positive, scores)
    false_alarms, recall, thresholds = theirs.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_alarms, false_alarms)
    np.testing.assert_allclose(curve.recall, recall)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    precision, _, _ = theirs.precision_recall_curve(positive, scores)
    np.testing.assert_allclose(curve.precision, precision[::-1])
    assert curve.roc_area == pytest.approx(theirs.roc_auc_score(positive, scores))
    assert curve.average_precision == pytest.approx(theirs.average_precision_score(positive, scores))


@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_f1_and_quality_are_those_of_scikit_learn(seed, n_classes):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, 60).tolist()
    said = rng.dirichlet(np.ones(n_classes), 60)
    predicted = said.argmax(1).tolist()
    each = theirs.f1_score(labels, predicted, average=None, labels=range(n_classes), zero_division=0)
    np.testing.assert_allclose(class_f1(labels, predicted, n_classes), each)
    found = quality(labels, said)
    assert found.accuracy == pytest.approx(theirs.accuracy_score(labels, predicted))
    expected = each[rarest_class(labels, 2)] if n_classes == 2 else each.mean()
    assert found.f1 == reported_f1(labels, predicted, n_classes) == pytest.approx(expected)


def test_a_calibrated_probability_comes_true_and_the_error_is_the_mean_gap():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    positive = rng.random(20_000) < scores
    assert calibration(positive, scores).error < 0.02
    bold = calibration(np.array([True, False, True, False]), np.array([0.95, 0.95, 0.05, 0.05]))
    assert bold.error == pytest.approx(0.45)
    assert [(each.n, each.share) for each in bold.bins] == [(2, 0.5), (2, 0.5)]
    last = calibration(np.array([True]), np.array([1.0])).bins[0]
    assert (last.low, last.high) == (0.9, 1.0)


def test_a_bin_holds_its_lower_edge_and_bins_need_not_be_even():
    found = calibration(np.array([True, False, True]), np.array([0.29, 0.3, 1.0]), (0.0, 0.3, 0.5, 1.0))
    assert [(each.low, each.high, each.n) for each in found.bins] == [(0.0, 0.3, 1), (0.3, 0.5, 1), (0.5, 1.0, 1)]
    with pytest.raises(ConfigError, match="rise from 0 to 1"):
        calibration(np.array([True]), np.array([0.5]), (0.0, 0.5, 0.5, 1.0))


def test_the_interval_of_a_mean_is_student_s():
    values = [0.9, 0.95, 0.97]
    mean, low, high = mean_interval(values)
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    np.testing.assert_allclose((mean, low, high), (np.mean(values), *expected))
    assert mean_interval([0.5]) == (0.5, 0.5, 0.5)


def test_what_cannot_be_measured_is_refused():
    yes, half = np.array([True, True]), np.array([0.5, 0.5])
    with pytest.raises(ConfigError, match="another one"):
        threshold_curve(yes, half)
    with pytest.raises(ConfigError, match="do not fit"):
        counts_at(yes, np.array([0.5]), 0.5)
    with pytest.raises(ConfigError, match="0 to 1"):
        counts_at(yes, np.array([0.5, 1.5]), 0.5)
    with pytest.raises(ConfigError, match="no measurement"):
        mean_interval([])
    with pytest.raises(ConfigError, match="do not fit"):
        quality([0], np.zeros((2, 2)))
