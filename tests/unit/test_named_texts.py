"""What is named for another process is what was meant."""

import pickle

import pytest

from engine.corpus import load_corpus
from engine.duplicates import find_duplicates
from engine.errors import CorpusError
from engine.runs.artifacts import ArtifactStore
from engine.runs.copies_found import copies_in
from engine.runs.named_texts import LEARN_CHARS, TextOf, TokenizerOf
from engine.settings import Settings
from engine.tokenizer import train_tokenizer


@pytest.fixture
def settings(data_home) -> Settings:
    return Settings.from_environment()


def kept(settings: Settings, text: str) -> TextOf:
    return TextOf(settings, ArtifactStore(settings.artifacts, settings.home / "scratch").save_upload(text), len(text))


def test_a_corpus_and_an_upload_are_read_by_name(settings):
    assert TextOf(settings, "stories", 500).read() == load_corpus("stories")[:500]
    assert kept(settings, "low tide").read() == "low tide"
    with pytest.raises(CorpusError):
        TextOf(settings, "upload:" + "0" * 64, 500).read()


def test_a_tokenizer_is_learned_from_the_text_that_it_names(settings):
    text = kept(settings, load_corpus("stories")[:20_000])
    named = TokenizerOf(settings, "bpe", text.name, 300)
    learned = train_tokenizer("bpe", text.read()[:LEARN_CHARS], 300)
    assert named.load().encode("A low tide.") == learned.encode("A low tide.")
    assert pickle.loads(pickle.dumps(named)).load() is named.load()


def test_copies_are_those_of_the_text_at_every_threshold(settings):
    text = TextOf(settings, "python-reference", 60_000)
    for threshold in (0.5, 0.9):
        assert copies_in(text, threshold, 4) == find_duplicates(text.read(), threshold, n_words=4)
