"""Splits without leaks: copies, shares of the classes, balance, and what is refused."""

from collections import Counter

import pytest

from engine.corpus import load_labelled
from engine.errors import ConfigError, CorpusError
from engine.labelled import find_copies, leaked_without_check, same_text, split_labelled
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


def test_another_draw_leaves_the_test_set_alone_and_few_are_judged_where_asked(spam):
    first, second = (split_labelled(spam, n_train=50, draw_seed=seed) for seed in (0, 1))
    assert first.test == second.test and first.validation == second.validation
    assert set(first.train.texts) != set(second.train.texts) and len(first.train) == len(second.train) == 50
    few = split_labelled(spam, most_judged=100, most_validated=30)
    assert len(few.validation) == 30 and len(few.test) == 100
    assert few.test.texts == first.test.texts[:100] and few.train == split_labelled(spam).train


def test_copies_left_in_would_leak_and_removed_do_not():
    texts = tuple(f"text {'abcdefghij'[n % 10]} {'klm'[n % 3]}" for n in range(60))  # each stands there twice
    data = LabelledTexts(texts, tuple(n % 2 for n in range(60)), ("even", "odd"))
    leaked, n = leaked_without_check(data)
    assert 0 < leaked <= n == 12
    split = split_labelled(data)
    assert len(split.copies) == 30
    assert not {same_text(text) for text in split.train.texts} & {same_text(text) for text in split.test.texts}


def test_too_few_texts_for_three_parts_are_refused_with_a_sentence():
    data = LabelledTexts(tuple("abcdefghij"), tuple(n % 2 for n in range(10)), ("x", "y"))
    with pytest.raises(CorpusError, match="too few to set aside"):
        split_labelled(data, validation_fraction=0.01)
