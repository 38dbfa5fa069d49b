import codecs
import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.corpus import END_OF_TEXT, MAX_UPLOAD_BYTES, LabelledTexts, read_labelled, read_text
from engine.errors import CorpusError
from engine.uploads import labelled_columns, labelled_jsonl, read_labelled_table

VERSE = "Ô temps, suspends ton vol!\nEt vous, heures propices – “suspendez” votre cours.\n"


def is_clean(text: str) -> bool:
    text.encode("utf-8")  # a lone surrogate cannot be encoded
    return bool(text.strip()) and "\0" not in text and "\r" not in text


@pytest.mark.parametrize("suffix", [".txt", ".md", ".TXT"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_comes_back_whatever_unicode_encoding_it_had(suffix: str, encoding: str) -> None:
    assert read_text(VERSE.encode(encoding), "poem" + suffix) == VERSE


@pytest.mark.parametrize("mark, codec", [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")])
def test_both_byte_orders_of_utf16_are_read(mark: bytes, codec: str) -> None:
    assert read_text(mark + VERSE.encode(codec), "poem.txt") == VERSE


def test_bytes_that_are_not_utf8_are_read_as_latin1() -> None:
    assert read_text("Où est le café? Müller weiß es.".encode("latin-1"), "a.txt") == (
        "Où est le café? Müller weiß es."
    )


def test_newlines_of_every_system_become_one() -> None:
    assert read_text(b"one\r\ntwo\rthree\nfour", "a.txt") == "one\ntwo\nthree\nfour"


@pytest.mark.parametrize(
    ("data", "filename", "says"),
    [
        (b"", "a.txt", "empty"),
        (b"   \n\t\n", "a.txt", "holds no text"),
        (b"\xef\xbb\xbf", "a.txt", "holds no text"),
        (b"%PDF-1.4", "a.pdf", "upload one of .txt, .md, .csv, .jsonl"),
        (b"words", "noname", "upload one of"),
        (b"a\0b", "a.txt", "NUL"),
        (bytes(range(256)) * 20, "a.txt", "NUL|binary"),
        (b"\x89PNG" + bytes(range(128, 160)) * 50, "a.txt", "binary"),
        (codecs.BOM_UTF16_LE + b"a\0b", "a.txt", "breaks off"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a\0", "a.txt", "UTF-16"),
        ("x".encode("utf-32"), "a.txt", "UTF-32"),
        (b"x" * (MAX_UPLOAD_BYTES + 1), "a.txt", "20 MB"),
        (b'{"text": "ok"}\nnot json', "a.jsonl", "Line 2"),
        (b"[1, 2]", "a.jsonl", "list"),
        (b'{"text": "\\ud800"}', "a.jsonl", "half of a character pair"),
        (b'{"text": "a\\u0000b"}', "a.jsonl", "NUL"),
        (b'{"n": {}}', "a.jsonl", "no column"),
        (b"[" * 100_000, "a.jsonl", "not valid JSON"),
        (b"text\n", "a.csv", "header"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(data: bytes, filename: str, says: str) -> None:
    with pytest.raises(CorpusError, match=says) as caught:
        read_text(data, filename)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_file_of_exactly_the_limit_is_read() -> None:
    assert len(read_text(b"x" * MAX_UPLOAD_BYTES, "a.txt")) == MAX_UPLOAD_BYTES


def test_a_table_gives_its_text_column_row_by_row() -> None:
    table = 'id,title,text\n1,A very long title indeed,"Hello, ""you""\nthere"\n2,B,Bye\n3,C,\n'
    assert read_text(table.encode(), "a.csv") == f'Hello, "you"\nthere\n{END_OF_TEXT}\nBye'


def test_without_a_column_named_text_the_longest_is_taken() -> None:
    assert read_text(b"id;remark\n1;a long remark\n2;and another", "a.csv").startswith("a long remark")
    lines = "\n".join(json.dumps({"n": index, "story": f"Story {index}."}) for index in range(2))
    assert read_text(lines.encode(), "a.jsonl") == f"Story 0.\n{END_OF_TEXT}\nStory 1."


def test_a_line_of_json_may_be_a_bare_string() -> None:
    assert read_text(b'"one"\n\n"two"\n', "a.jsonl") == f"one\n{END_OF_TEXT}\ntwo"


EXAMPLES = [("spam", 'Win "cash", now'), ("ham", "See you\nat five"), ("spam", "Call; free\ttoday")]


@pytest.mark.parametrize(("filename", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_labelled_tables_are_read_as_the_csv_module_wrote_them(filename: str, delimiter: str) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerows([("label", "text"), *EXAMPLES])
    labelled = read_labelled(written.getvalue().encode(), filename)
    assert labelled.label_names == ("ham", "spam")
    assert labelled.labels == (1, 0, 1)
    assert labelled.texts == tuple(text.replace("\r\n", "\n") for _, text in EXAMPLES)


def test_labelled_lines_of_json_may_have_numbers_for_labels() -> None:
    lines = "\n".join(json.dumps({"text": text, "label": label == "spam"}) for label, text in EXAMPLES)
    assert read_labelled(lines.encode(), "a.jsonl").label_names == ("false", "true")


def test_a_table_without_a_header_keeps_its_first_row() -> None:
    labelled = read_labelled(b"good\tI liked it a lot\nbad\tI did not\ngood\tFine by me\n", "a.tsv")
    assert labelled.labels == (1, 0, 1)
    assert labelled.texts[0] == "I liked it a lot"


def test_the_label_is_the_column_with_few_values_where_none_is_named() -> None:
    table = "id,remark,mood\n1,I liked it a lot,+\n2,I did not like it,-\n3,Good enough for me,+\n"
    assert read_labelled(table.encode(), "a.csv").label_names == ("+", "-")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"text\nonly one column\n", "one column"),
        (b"label,text\na,x\na,y\n", "at least two"),
        (b"label,text\n" + b"".join(b"%d,words\n" % index for index in range(150)), "150 different"),
        (b"label,text\n", "header"),
    ],
)
def test_tables_without_usable_labels_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(CorpusError, match=says):
        read_labelled(data, "a.csv")


def test_labelled_texts_refuse_what_does_not_fit_together() -> None:
    with pytest.raises(CorpusError, match="2 texts but 1 labels"):
        LabelledTexts(("a", "b"), (0,), ("x",))
    with pytest.raises(CorpusError, match="from 0 to 0"):
        LabelledTexts(("a",), (1,), ("x",))


FILENAMES = st.sampled_from(["a.txt", "b.md", "c.csv", "d.jsonl", "e.tsv", "f.pdf", "", "."])
ANYTHING = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda mark, body: mark + body,
        st.sampled_from([codecs.BOM_UTF8, b"\xff\xfe", b"\xfe\xff"]),
        st.binary(),
    ),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none()))).map(
        lambda rows: "\n".join(map(json.dumps, rows)).encode()
    ),
    st.text(alphabet='a,;\t"\n\r\0é', max_size=60).map(str.encode),
)


@given(data=ANYTHING, filename=FILENAMES)
@example(data=b'a,b\n"x', filename="c.csv")
@example(data=b'{"a": 1e999}', filename="d.jsonl")
@example(data=b'{"a": "one\\r\\ntwo\\r"}', filename="d.jsonl")
@example(data=b'{"a": ' + b"9" * 5000 + b"}", filename="d.jsonl")
def test_any_bytes_are_clean_text_or_a_clear_error(data: bytes, filename: str) -> None:
    try:
        text = read_text(data, filename)
    except CorpusError as error:
        assert str(error)
    else:
        assert is_clean(text)


@given(data=ANYTHING, filename=FILENAMES)
def test_any_bytes_are_labelled_texts_or_a_clear_error(data: bytes, filename: str) -> None:
    try:
        labelled = read_labelled(data, filename)
    except CorpusError as error:
        assert str(error)
    else:
        assert all(is_clean(text) for text in (*labelled.texts, *labelled.label_names))


@given(text=st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r\0\ufeff"), min_size=1))
def test_any_text_saved_as_utf8_comes_back_unchanged(text: str) -> None:
    if text.strip():
        assert read_text(text.encode(), "a.txt") == text


def test_the_columns_of_a_table_are_guessed_and_others_can_be_chosen() -> None:
    table = read_labelled_table(b"id,title,mood,text\n1,A,+,I liked it\n2,B,-,I did not\n3,A,+,\n", "a.csv")
    assert table.columns == ("id", "title", "mood", "text")
    assert (table.text_column, table.label_column) == ("text", "title")
    chosen = labelled_columns(table, "text", "mood")
    assert (chosen.texts, chosen.labels, chosen.label_names) == (("I liked it", "I did not"), (0, 1), ("+", "-"))
    with pytest.raises(CorpusError, match="text and label both"):
        labelled_columns(table, "text", "text")
    with pytest.raises(CorpusError, match="no column 'colour'"):
        labelled_columns(table, "text", "colour")


WORDS = st.text(
    alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\r\0\ufeff"), min_size=1, max_size=20
).filter(lambda text: text == text.strip() and bool(text))


@given(pairs=st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=12))
def test_labelled_texts_saved_as_json_lines_come_back_unchanged(pairs: list[tuple[str, str]]) -> None:
    data = LabelledTexts.from_names(pairs)
    if len(data.label_names) > 1:
        assert read_labelled(labelled_jsonl(data).encode(), "rows.jsonl") == data


def test_rows_beyond_the_limit_of_an_upload_are_refused() -> None:
    large = LabelledTexts(("x" * MAX_UPLOAD_BYTES, "y"), (0, 1), ("a", "b"))
    with pytest.raises(CorpusError, match="larger than 20 MB"):
        labelled_jsonl(large)
