"""Splits without leaks: copies, shares of the classes, balance, and what is refused."""

from collections import Counter

import pytest

from engine.corpus import load_labelled
from engine.errors import ConfigError, CorpusError
from engine.labelled import find_copies, same_text, split_labelled
from engine.uploads import LabelledTexts


@pytest.fixture(scope="module")
def spam() -> LabelledTexts:
    return load_labelled("sms-spam")


def test_copies_differ_in_case_spaces_and_digits_only():
    texts = ["Win 100 now", "win  200 NOW ", "Win 10 now", "see you", "See\nyou", "see us"]
    assert find_copies(texts) == ((1, 0), (4, 3))
    assert same_text("STRASSE 1") == same_text("straße 2")


def test_the_parts_share_no_text_and_keep_the_shares_of_the_classes(spam):
    split = split_labelled(spam, seed=3)
    parts = (split.train, split.validation, split.test)
    keys = [{same_text(text) for text in part.texts} for part in parts]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert sum(map(len, parts)) + len(split.copies) == len(spam)
    for part, share in zip(parts, (0.7, 0.1, 0.2), strict=True):
        assert len(part) == pytest.approx(share * (len(spam) - len(split.copies)), abs=2)
        spam_share = Counter(part.labels)[1] / len(part)
        assert spam_share == pytest.approx(Counter(split.train.labels)[1] / len(split.train), abs=0.003)
    assert all(same_text(spam.texts[gone]) == same_text(spam.texts[kept]) for gone, kept in split.copies)
    assert split_labelled(spam, seed=3) == split and split_labelled(spam, seed=4).test != split.test


def test_balancing_and_fewer_labels_leave_the_test_set_alone(spam):
    whole = split_labelled(spam)
    balanced = split_labelled(spam, balance=True)
    counts = Counter(balanced.train.labels)
    assert counts[0] == counts[1] == Counter(whole.train.labels)[1]
    assert balanced.n_unbalanced == len(whole.train) - len(balanced.train)
    few = split_labelled(spam, n_train=30)
    assert len(few.train) == 30 and 1 <= Counter(few.train.labels)[1] <= 6
    assert len(split_labelled(spam, balance=True, n_train=30).train) == 30
    assert balanced.test == few.test == whole.test and few.validation == whole.validation
    assert len(split_labelled(spam, n_train=10**6).train) == len(whole.train)


def test_what_cannot_be_parted_is_explained():
    def texts(n: int, label: str) -> list[tuple[str, str]]:
        return [(label, f"{label} {chr(97 + i)}") for i in range(n)]

    for pairs, message in (
        (texts(20, "a"), "same label"),
        (texts(20, "a") + texts(3, "b"), "'b' has only 3"),
        (texts(20, "a") + [("b", "the same")] * 9, "'b' has only 1"),
    ):
        with pytest.raises(CorpusError, match=message):
            split_labelled(LabelledTexts.from_names(pairs))
    good = LabelledTexts.from_names(texts(20, "a") + texts(20, "b"))
    with pytest.raises(CorpusError, match="at least one text of each"):
        split_labelled(good, n_train=1)
    with pytest.raises(ConfigError, match="test_fraction"):
        split_labelled(good, test_fraction=0.9)
