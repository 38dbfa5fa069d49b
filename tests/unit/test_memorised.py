import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bpe import END_OF_TEXT
from engine.corpus import load_corpus
from engine.errors import ConfigError
from engine.memorised import Place, WordIndex, documents_of, find_place, samples_of, split_training_text
from engine.tokenizer import BPETokenizer, CharTokenizer, WordTokenizer
from engine.windows import split_ids

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "a.", "\u00e9"]), max_size=24).map(" ".join)


def brute_force(documents: list[str], text: str, least: int) -> list[tuple[int, int, int]]:
    """Every maximal span by trying them all: (start, end, number of places)."""
    trained, wanted = [document.split() for document in documents], text.split()

    def n_places(run: list[str]) -> int:
        return sum(words[at : at + len(run)] == run for words in trained for at in range(len(words) - len(run) + 1))

    found = [
        (start, end)
        for start in range(len(wanted))
        for end in range(start + least, len(wanted) + 1)
        if n_places(wanted[start:end])
    ]
    maximal = [one for one in found if not any(o != one and o[0] <= one[0] and one[1] <= o[1] for o in found)]
    return [(start, end, n_places(wanted[start:end])) for start, end in sorted(maximal)]


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, max_size=4), TEXTS, st.integers(1, 4))
def test_spans_are_those_found_by_trying_every_run_of_words(documents, text, least):
    index = WordIndex(documents, least)
    copied = index.search(text)
    assert [(span.start, span.end, span.n_places) for span in copied.spans] == brute_force(documents, text, least)
    for span in copied.spans:
        start, end = index.passage(span)
        assert documents[span.document][start:end].split() == text.split()[span.start : span.end]
    covered = {word for span in copied.spans for word in range(span.start, span.end)}
    assert copied.share(least) == pytest.approx(len(covered) / len(text.split()) if text.split() else 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_the_pieces_of_a_text_follow_each_other_and_hold_whole_spans(documents, text):
    copied = WordIndex(documents, 2).search(text)
    place = 0
    for start, end, number in copied.pieces(2):
        assert start == place or (number is not None and text[place:start].strip() == "")
        place = end
        if number is not None:
            span = copied.spans[number]
            assert copied.words[span.start][0] <= start and end <= copied.words[span.end - 1][1]


def test_a_copied_passage_is_found_across_line_ends_and_its_place_in_the_source_is_named():
    sources = {
        "first": "one two three",
        "plays": f"HAMLET\n\nTo be, or not\n{END_OF_TEXT}\nLEAR\n\nnothing will come\nof it",
    }
    documents = documents_of("\n".join(sources.values()))
    index = WordIndex(documents, 3)
    (span,) = index.search("He said: nothing will\n come of  it , he said").spans
    assert (span.start, span.end, span.n_places) == (2, 7, 1)
    place = find_place(sources, documents[span.document], index.passage(span))
    assert place == Place("plays", place.start, place.end, 7, "LEAR")
    assert sources["plays"][place.start : place.end] == "nothing will come\nof it"
    assert find_place(sources, "never written", (0, 4)) is None


def test_a_source_of_one_document_has_no_work():
    place = find_place({"own": "a\nb c d"}, "b c d", (0, 5))
    assert place == Place("own", 2, 7, 2, "")


def test_no_span_crosses_the_end_of_a_document_and_its_mark_is_no_word():
    index = WordIndex(["a b c", "d e f"], 2)
    assert [(s.start, s.end) for s in index.search("b c d e").spans] == [(0, 2), (2, 4)]
    copied = index.search(f"a b{END_OF_TEXT}c d")
    assert [(s.start, s.end) for s in copied.spans] == [(0, 2)]
    assert copied.n_words == 4 and copied.share(2) == 0.5


def test_a_corpus_is_found_whole_in_itself_and_documents_that_come_again_count_once():
    text = load_corpus("stories")[:60_000]
    documents = documents_of(text + END_OF_TEXT + text)
    index = WordIndex(documents)
    assert len(documents) == len(set(documents))
    assert index.search(documents[3]).share() == 1
    assert index.search(documents[3]).spans[0].document == 3
    assert index.n_words == sum(len(document.split()) for document in documents)


@pytest.mark.parametrize("text", ["", " ", "\x00", "\u202e\u202e", "a" + "\u0301" * 1000, "<script>alert(1)</script>"])
def test_odd_texts_are_searched_like_others(text):
    copied = WordIndex(["a b c d"], 1).search(text)
    assert copied.spans == () and copied.share() == 0 and copied.longest == 0 and copied.pieces() == []


def test_an_index_of_runs_without_words_is_refused():
    with pytest.raises(ConfigError, match="at least one word"):
        WordIndex(["a"], 0)
    assert WordIndex([]).search("a b c d e").spans == ()


@pytest.mark.parametrize("kind", [BPETokenizer, CharTokenizer, WordTokenizer])
def test_a_training_text_is_cut_where_its_ids_are(kind):
    text = load_corpus("stories")[:8_000]
    tokenizer = kind.train(text, 300)
    train, held_out = split_training_text(text, tokenizer, 0.1)
    assert train + held_out == text
    ids = tokenizer.encode_array(text, allowed_special=(END_OF_TEXT,))
    n_train = len(split_ids(ids, 0.1)[0])
    assert tokenizer.encode_array(train, allowed_special=(END_OF_TEXT,)).tolist() == ids[:n_train].tolist()


def test_samples_are_stretches_of_real_words_from_beginning_to_end():
    text = " ".join(f"w{n}" for n in range(100))
    samples = samples_of([text], 10, 5)
    assert len(samples) == 5 and all(len(each.split()) == 10 and each in text for each in samples)
    assert samples[0].startswith("w0 ") and samples[-1].endswith("w99")
    assert samples_of(["a b", "", text], 10, 3)[0] == "a b"
    assert samples_of([], 10, 3) == []
