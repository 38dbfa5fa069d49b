"""What a fine-tuned model has to beat: always the commonest class, a keyword rule, Naive Bayes, logistic regression.

The last two are scikit-learn's, on counts of words and on tf-idf of words and pairs of words. They train in a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from engine.language import N_
from engine.uploads import LabelledTexts

Predict = Callable[[tuple[str, ...]], np.ndarray]
"""Probabilities (N, K) float32 of texts."""

N_KEYWORDS = 10
_MANY_CHARS = 500_000
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class KeywordRule:
    """Words that speak for each class; a text belongs to the class with most of them in it, else to the commonest."""

    keywords: tuple[tuple[str, ...], ...]
    commonest: int

    @classmethod
    def of(cls, train: LabelledTexts, n_keywords: int = N_KEYWORDS) -> KeywordRule:
        """The words most over-represented in each class, by the log of the odds that a text holds them; each word must
        stand in at least two texts. The commonest class needs no words: it is what remains.
        """
        labels = np.asarray(train.labels)
        n_classes = len(train.label_names)
        commonest = int(np.bincount(labels, minlength=n_classes).argmax())
        vectorizer = CountVectorizer(binary=True, token_pattern=_WORD.pattern, min_df=min(2, len(train)))
        try:
            holds = vectorizer.fit_transform(train.texts)
        except ValueError:  # no word stands in two texts
            return cls(((),) * n_classes, commonest)
        words = vectorizer.get_feature_names_out()
        keywords: list[tuple[str, ...]] = []
        for label in range(n_classes):
            inside, outside = holds[labels == label], holds[labels != label]
            with_word = (np.asarray(part.sum(0)).ravel() + 0.5 for part in (inside, outside))
            odds = [
                np.log(count / (part.shape[0] + 1 - count))
                for count, part in zip(with_word, (inside, outside), strict=True)
            ]
            order = np.argsort(odds[1] - odds[0], kind="stable")[:n_keywords]
            keywords.append(() if label == commonest else tuple(str(words[i]) for i in order))
        return cls(tuple(keywords), commonest)

    def __call__(self, texts: tuple[str, ...]) -> np.ndarray:
        """1 for the class the rule chooses, 0 for the others, (N, K)."""
        found = np.zeros((len(texts), len(self.keywords)), dtype=np.float32)
        for row, text in enumerate(texts):
            words = {word.casefold() for word in _WORD.findall(text)}
            hits = [len(words & set(each)) for each in self.keywords]
            found[row, int(np.argmax(hits)) if max(hits) else self.commonest] = 1
        return found


def commonest_class(train: LabelledTexts) -> Predict:
    """The shares of the classes in training, whatever the text says."""
    shares = np.bincount(train.labels, minlength=len(train.label_names)).astype(np.float32) / len(train)
    return lambda texts: np.repeat(shares[None], len(texts), axis=0)


def naive_bayes(train: LabelledTexts) -> Predict:
    """Multinomial Naive Bayes on counts of words."""
    return _fitted(train, CountVectorizer(token_pattern=_WORD.pattern), MultinomialNB())


def logistic_regression(train: LabelledTexts) -> Predict:
    """Logistic regression on tf-idf of words and pairs of words, one class against the others.

    Of long texts, words and pairs that stand in a single one are left out: they are most of them, and take most time.
    """
    least = 2 if sum(map(len, train.texts)) > _MANY_CHARS else 1
    words = TfidfVectorizer(token_pattern=_WORD.pattern, ngram_range=(1, 2), sublinear_tf=True, min_df=least)
    return _fitted(train, words, OneVsRestClassifier(LogisticRegression(C=30, solver="liblinear")))


SIMPLE: dict[str, Callable[[LabelledTexts], Predict]] = {
    N_("commonest class"): commonest_class,
    N_("keyword rule"): KeywordRule.of,
    N_("naive Bayes"): naive_bayes,
    N_("logistic regression"): logistic_regression,
}


def _fitted(train: LabelledTexts, *steps: object) -> Predict:
    pipeline = make_pipeline(*steps).fit(train.texts, train.labels)
    n_classes = len(train.label_names)

    def predict(texts: tuple[str, ...]) -> np.ndarray:
        found = np.zeros((len(texts), n_classes), dtype=np.float32)
        found[:, pipeline.classes_] = pipeline.predict_proba(texts)
        return found

    return predict
