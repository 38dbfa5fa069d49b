import os
import re
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise

import pytest

from engine.stories import iter_stories, stories
from engine.uploads import END_OF_TEXT


def sentences(text: str) -> list[str]:
    lines = [line for line in text.split("\n") if line and line != END_OF_TEXT]
    return [sentence for line in lines for sentence in re.split(r'(?<=[.!?])"?\s+(?=["A-Z])', line)]


@pytest.fixture(scope="module")
def megabyte() -> str:
    return stories(1_000_000, 0)


def test_one_megabyte_repeats_fewer_than_a_tenth_of_its_sentences(megabyte: str) -> None:
    found = sentences(megabyte)
    assert 1 - len(set(found)) / len(found) < 0.10


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_lion_is_in_the_forest_most_of_the_time_but_not_always(seed: int) -> None:
    places = Counter(re.findall(r"The lion is in the (\w+)", stories(1_000_000, seed)))
    assert sum(places.values()) > 150
    assert 0.55 < places["forest"] / sum(places.values()) < 0.75
    assert len(places) >= 5


def test_stories_ask_sum_up_and_judge(megabyte: str) -> None:
    endings = [story.strip().split("\n")[-1] for story in megabyte.split(END_OF_TEXT)[:-1]]
    shares = {
        "question": sum(ending.startswith("Answer: ") for ending in endings),
        "summary": sum(ending.startswith("Summary: ") for ending in endings),
        "judgement": sum(bool(re.fullmatch(r"(He|She) was very \w+\.", ending)) for ending in endings),
    }
    assert all(share > 0.05 * len(endings) for share in shares.values()), shares
    assert "She was very happy." in endings


def test_every_question_has_its_answer_on_the_next_line(megabyte: str) -> None:
    lines = megabyte.split("\n")
    for line, following in pairwise(lines):
        if line.startswith("Question: "):
            assert line.endswith("?") and re.match(r"Answer: [A-Z].*\.", following)


def test_the_answer_to_where_an_animal_is_was_told_before() -> None:
    asked = 0
    for story in islice(iter_stories(3), 3000):
        match = re.search(r"Question: Where is the (\w+)\?\nAnswer: (The \w+ is in the \w+)\.", story)
        if match:
            asked += 1
            assert match[2] in story[: match.start()]
    assert asked > 50


def test_the_hero_of_a_story_keeps_one_gender() -> None:
    told = 0
    for story in islice(iter_stories(4), 2000):
        match = re.search(r"(He|She) was very \w+\.$", story)
        if match:
            told += 1
            opposite = {"He": r"\bher(self)?\b", "She": r"\bhim(self)?\b|\bhis\b"}[match[1]]
            assert not re.search(opposite, story), story
    assert told > 100


def test_articles_fit_the_sound_that_follows(megabyte: str) -> None:
    for article, word in re.findall(r"\b(an?) (\w+)", megabyte, re.IGNORECASE):
        vowel = word[0] in "aeiou" or word in ("hour", "honest")
        assert (article.lower() == "an") == vowel, f"{article} {word}"


def test_every_sentence_is_finished(megabyte: str) -> None:
    assert not re.search(r"[{}()]|  | [.,!?]|\b(\w+) \1\b", megabyte)
    whole = megabyte[: megabyte.rindex(END_OF_TEXT)]
    assert all(line[-1] in '.!?">' for line in whole.split("\n") if line)
    assert all(line[0].isupper() or line[0] in '"<' for line in whole.split("\n") if line)


@pytest.mark.parametrize("n_chars", [0, 1, 17, 5_000])
def test_a_longer_text_begins_with_every_shorter_one(n_chars: int) -> None:
    assert stories(n_chars, 7) == stories(20_000, 7)[:n_chars]


def test_seeds_differ() -> None:
    assert stories(2_000, 1) != stories(2_000, 2)


def test_every_process_writes_the_same_text() -> None:
    code = (
        "import zlib; from engine.stories import stories; from engine.phrasebook import phrasebook;"
        "print(zlib.crc32((stories(50_000, 1) + phrasebook(50_000, 1)).encode()))"
    )
    sums = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sums) == 1
