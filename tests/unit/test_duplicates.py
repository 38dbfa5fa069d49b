import random
import time
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bpe import END_OF_TEXT
from engine.corpus import load_corpus
from engine.duplicates import (
    MISSED,
    PERMUTATIONS,
    Passage,
    bands,
    compare_words,
    find_duplicates,
    find_passages,
    group_duplicates,
    jaccard,
    remove_passages,
    shingle_passages,
    shingle_sets,
)
from engine.errors import EngineError
from engine.text_statistics import find_words

TEXTS = st.text(alphabet="ab \n.\u0301é", max_size=400)


def shingles(text: str, n: int = 5) -> set[tuple[str, ...]]:
    words = find_words(text)
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def exact(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    return len(a & b) / len(a | b)


def variants(n: int, seed: int = 0) -> tuple[str, list[str]]:
    """Paragraphs of which every second is a variant of the one before, with 0 to 6 of its 40 words changed."""
    rng = random.Random(seed)
    paragraphs = []
    for number in range(n):
        words = [f"w{rng.randrange(3000)}" for _ in range(40)]
        changed = list(words)
        for _ in range(number % 7):
            changed[rng.randrange(40)] = f"x{rng.randrange(3000)}"
        paragraphs += [" ".join(words) + ".", " ".join(changed) + "."]
    return "\n\n".join(paragraphs), paragraphs


def test_passages_are_paragraphs_without_the_space_around_them() -> None:
    text = f"one\nline \n\n  two\n \t\n\n{END_OF_TEXT}\nthree\n{END_OF_TEXT}\nfour\n"
    assert [text[each.start : each.end] for each in find_passages(text)] == ["one\nline", "two", "three", "four"]


@settings(max_examples=60)
@given(TEXTS)
def test_passages_hold_everything_but_space_in_order(text: str) -> None:
    found = find_passages(text)
    assert all(0 <= a.start < a.end <= len(text) for a in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert "".join("".join(text[a.start : a.end] for a in found).split()) == "".join(text.split())


def test_long_paragraphs_are_cut_into_groups_of_lines_and_long_lines_at_spaces() -> None:
    lines = "\n".join(f"line {number} of a long paragraph" for number in range(200))
    pieces = [lines[each.start : each.end] for each in find_passages(lines)]
    assert all(300 <= len(piece) < 340 for piece in pieces[:-1])
    assert all(piece.startswith("line") for piece in pieces)
    one_line = "word " * 2_000
    assert all(p.end - p.start <= 1_000 for p in find_passages(one_line))
    assert all(p.end - p.start <= 1_000 for p in find_passages("x" * 5_000))


@settings(max_examples=60)
@given(st.lists(st.text(alphabet="ab ", max_size=60), max_size=6), st.integers(1, 5))
def test_shingle_numbers_stand_for_the_same_words_exactly(texts: list[str], n: int) -> None:
    sets = shingle_sets(texts, n)
    plain = [shingles(text, n) for text in texts]
    assert [len(each) for each in sets] == [len(each) for each in plain]
    for left, right in combinations(range(len(texts)), 2):
        assert len(np.intersect1d(sets[left], sets[right])) == len(plain[left] & plain[right])


def test_jaccard_of_nothing_is_nothing() -> None:
    assert jaccard(np.array([]), np.array([])) == 0
    assert jaccard(np.array([1]), np.array([1])) == 1


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_what_is_found_agrees_with_comparing_every_pair(threshold: float) -> None:
    text, paragraphs = variants(120)
    found = find_duplicates(text, threshold)
    for group in found.groups:
        kept = text[group.kept.start : group.kept.end]
        for copy in group.copies:
            similarity = exact(shingles(kept), shingles(text[copy.passage.start : copy.passage.end]))
            assert copy.similarity == pytest.approx(similarity)
            assert similarity >= threshold and copy.passage.start > group.kept.start
    expected = sum(exact(a, b) >= threshold for a, b in combinations(map(shingles, paragraphs), 2))
    assert len(found.copies) == expected > 10


def test_equal_passages_are_always_found_and_the_first_is_kept() -> None:
    paragraph = "It was the best of times, it was the worst of times, it was the age of wisdom."
    text = "\n\n".join([paragraph, "Something else altogether stands here, as long as the one above it is.", paragraph])
    (group,) = find_duplicates(text, 1.0).groups
    assert group.kept.start == 0
    assert [copy.similarity for copy in group.copies] == [1.0]
    assert find_duplicates(text.replace("best of times", "best of days", 1), 1.0).groups == ()


def test_short_passages_are_left_alone() -> None:
    found = find_duplicates("Exeunt all the lords.\n\n" * 50)
    assert (found.n_passages, found.n_skipped, found.groups) == (50, 50, ())


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_miss_a_pair_at_the_threshold_as_seldom_as_promised(threshold: float) -> None:
    n_bands, rows = bands(threshold)
    assert n_bands * rows <= PERMUTATIONS
    assert (1 - threshold**rows) ** n_bands <= MISSED


def test_a_threshold_moves_only_what_is_grouped() -> None:
    text, _ = variants(40)
    shingled = shingle_passages(text)
    numbers = [len(group_duplicates(shingled, threshold).copies) for threshold in (0.5, 0.7, 0.9, 1.0)]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > numbers[-1] > 0


def test_removing_leaves_the_rest_as_it_was() -> None:
    text, _ = variants(60)
    found = find_duplicates(text, 0.6)
    cleaned = remove_passages(text, found.copies)
    kept = [text[each.start : each.end] for each in find_passages(text) if each not in found.copies]
    assert cleaned.rstrip().split("\n\n") == kept
    assert 0 < len(kept) == 120 - len(found.copies) < 120
    assert find_duplicates(cleaned, 0.6).copies == []
    assert remove_passages(text, []) == text
    assert remove_passages("one\n\ntwo", [Passage(5, 8)]) == "one\n\n"


def test_the_python_reference_repeats_itself_and_the_news_hardly() -> None:
    reference = find_duplicates(load_corpus("python-reference")[:200_000])
    stories = find_duplicates(load_corpus("stories")[:200_000])
    assert len(reference.copies) > 20 > len(stories.copies)


ODD = {
    "empty": "",
    "lines": "\n" * 100_000,
    "spaces": "\n" + " " * 200_000 + "x",
    "letters": "a" * 500_000,
    "marks": "\u0301" * 100_000,
    "words": "w " * 200_000,
    "nul": "\x00\n\n" * 999,
    "markers": END_OF_TEXT * 20_000,
    "copies": "same ten words stand in every one of these many lines\n\n" * 5_000,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_take_no_long_time(text: str) -> None:
    started = time.perf_counter()
    find_duplicates(text)
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("threshold", [0.0, 0.29, 1.01, float("nan")])
def test_thresholds_that_make_no_sense_are_refused(threshold: float) -> None:
    with pytest.raises(EngineError, match="must lie between"):
        find_duplicates("text", threshold)


def test_shingles_longer_than_the_shortest_passage_are_refused() -> None:
    with pytest.raises(EngineError, match="at most min_words"):
        shingle_passages("text", 11, 10)


@given(TEXTS, TEXTS)
def test_the_pieces_of_a_comparison_are_the_two_texts(left: str, right: str) -> None:
    pieces = compare_words(left, right)
    assert ["".join(piece.text for piece in side) for side in pieces] == [left, right]
    if find_words(left) == find_words(right):
        assert not any(piece.differs for side in pieces for piece in side)


def test_differing_words_are_marked_on_both_sides() -> None:
    sides = compare_words("The red fox ran home.", "The grey fox ran home today.")
    assert [[piece.text for piece in side if piece.differs] for side in sides] == [["red"], ["grey", "today"]]
