"""The simple classifiers: by hand where it can be done, by what is known of the data where not."""

import numpy as np
import pytest

from engine.corpus import load_labelled
from engine.labelled import split_labelled
from engine.simple_classifiers import SIMPLE, KeywordRule, commonest_class
from engine.uploads import LabelledTexts

TOY = LabelledTexts.from_names(
    [("spam", "win a prize"), ("spam", "win cash"), ("ham", "see you"), ("ham", "you see"), ("ham", "a day with you")]
)


def test_the_keyword_rule_finds_the_words_that_tell_the_classes_apart():
    rule = KeywordRule.of(TOY, n_keywords=1)
    assert rule.keywords == ((), ("win",)) and rule.commonest == 0
    assert rule(("Win it!", "a prize", "")).tolist() == [[0, 1], [1, 0], [1, 0]]
    assert KeywordRule.of(LabelledTexts.from_names([("a", "x"), ("b", "y")])).keywords == ((), ())


def test_the_commonest_class_is_the_shares_of_the_classes():
    np.testing.assert_allclose(commonest_class(TOY)(("anything", "")), [[0.6, 0.4]] * 2, rtol=1e-6)


def test_on_spam_each_beats_the_one_before():
    split = split_labelled(load_labelled("sms-spam"))
    labels = np.asarray(split.test.labels)
    accuracy = {}
    for name, make in SIMPLE.items():
        probabilities = make(split.train)(split.test.texts)
        assert probabilities.shape == (len(labels), 2)
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
        accuracy[name] = float((probabilities.argmax(1) == labels).mean())
    assert accuracy["commonest class"] == pytest.approx((labels == 0).mean())
    assert (
        accuracy["commonest class"]
        < accuracy["keyword rule"]
        < min(accuracy["naive Bayes"], accuracy["logistic regression"])
    )
    assert accuracy["logistic regression"] > 0.96
