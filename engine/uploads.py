"""Reads a learner's own files: a text to train on, or labelled examples to classify.

Bytes come in and clean text goes out (`\\n` newlines, no NUL, no lone surrogates), or a `CorpusError` that
says in one sentence what is wrong and what to do.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from engine.errors import CorpusError
from engine.language import _

MAX_UPLOAD_BYTES = 20 * 1024 * 1024
TEXT_SUFFIXES = (".txt", ".md", ".csv", ".jsonl")
LABELLED_SUFFIXES = (".csv", ".tsv", ".jsonl")
MAX_LABELS = 100

END_OF_TEXT = "<|endoftext|>"
_SEPARATOR = f"\n{END_OF_TEXT}\n"
_TEXT_NAMES = ("text", "content", "sentence", "message", "body", "review", "document")
_LABEL_NAMES = ("label", "labels", "class", "category", "topic", "target", "sentiment", "genre", "y")

Row = dict[str, str]


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with one label each: `labels[i]` is the index in `label_names` of the label of `texts[i]`."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise CorpusError(
                _(
                    "There are {n_texts} texts but {n_labels} labels; give each text one label.",
                    n_texts=len(self.texts),
                    n_labels=len(self.labels),
                )
            )
        if any(not 0 <= label < len(self.label_names) for label in self.labels):
            raise CorpusError(_("Every label must be a number from 0 to {value}.", value=len(self.label_names) - 1))

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def from_names(cls, pairs: Iterable[tuple[str, str]]) -> "LabelledTexts":
        """From `(label name, text)` pairs; names are numbered in alphabetical order.

        >>> LabelledTexts.from_names([("spam", "Win!"), ("ham", "See you")]).labels
        (1, 0)
        """
        pairs = list(pairs)
        names = tuple(sorted({name for name, _unused in pairs}))
        number = {name: index for index, name in enumerate(names)}
        return cls(tuple(text for _unused, text in pairs), tuple(number[name] for name, _unused in pairs), names)


def join_documents(documents: Iterable[str]) -> str:
    """One training text: documents with the end-of-text marker on a line of its own between them."""
    return _SEPARATOR.join(documents)


def read_text(data: bytes, filename: str) -> str:
    """The text of an uploaded .txt, .md, .csv or .jsonl file of at most `MAX_UPLOAD_BYTES`.

    UTF-8 (with or without BOM), UTF-16 with BOM, else Latin-1. A table (.csv, .jsonl) gives its text
    column, one document a row, joined by `END_OF_TEXT`: the column named "text" or the like, else the
    longest one.
    Raises `CorpusError`.
    """
    suffix = _check_upload(data, filename, TEXT_SUFFIXES)
    text = _decode_upload(data, filename)
    if suffix in (".csv", ".jsonl"):
        rows = _read_table(text, suffix, filename)
        column = _choose_text_column(rows, filename)
        text = join_documents(row[column].strip() for row in rows if row.get(column, "").strip())
    if not text.strip():
        raise CorpusError(
            _("{filename!r} holds no text; choose a file with something to read in it.", filename=filename)
        )
    return text


def read_labelled(data: bytes, filename: str) -> LabelledTexts:
    """Labelled examples of an uploaded .csv, .tsv or .jsonl file: one text and one label a row.

    The columns are found by name ("text", "label" and the like), else the longest column is the text and
    the column with the fewest different values the label. A table without a header works when it has
    exactly two columns.
    Raises `CorpusError`, also for fewer than 2 or more than `MAX_LABELS` different labels.
    """
    table = read_labelled_table(data, filename)
    return labelled_columns(table, table.text_column, table.label_column)


@dataclass(frozen=True)
class LabelledTable:
    """A table as it was uploaded, with a guess which of its columns is the text and which the label."""

    filename: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    text_column: str
    label_column: str


def read_labelled_table(data: bytes, filename: str) -> LabelledTable:
    """The table of an uploaded .csv, .tsv or .jsonl file; its columns are guessed as `read_labelled` says.

    Raises `CorpusError`.
    """
    suffix = _check_upload(data, filename, LABELLED_SUFFIXES)
    rows = _read_table(_decode_upload(data, filename), suffix, filename)
    if suffix != ".jsonl":
        rows = _restore_first_row(rows)
    text_column = _choose_text_column(rows, filename, avoid=_LABEL_NAMES)
    label_column = _choose_label_column(rows, text_column, filename)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return LabelledTable(filename, tuple(rows), columns, text_column, label_column)


def labelled_columns(table: LabelledTable, text_column: str, label_column: str) -> LabelledTexts:
    """Texts and labels from two columns of a table; rows in which one of them is empty are left out.

    Raises `CorpusError` for a column that is not there or that is both, and for fewer than 2 or more than `MAX_LABELS`
    different labels.
    """
    for name in (text_column, label_column):
        if name not in table.columns:
            raise CorpusError(
                _(
                    "{filename!r} has no column {name!r}; it has {join}.",
                    filename=table.filename,
                    name=name,
                    join=", ".join(table.columns),
                )
            )
    if text_column == label_column:
        raise CorpusError(
            _("Column {text_column!r} cannot be text and label both; choose two columns.", text_column=text_column)
        )
    pairs = [
        (row[label_column].strip(), row[text_column].strip())
        for row in table.rows
        if row.get(label_column, "").strip() and row.get(text_column, "").strip()
    ]
    n_labels = len({label for label, _unused in pairs})
    if n_labels < 2:
        raise CorpusError(
            _(
                "{filename!r} has {n_labels} different label(s) in column {label_column!r}; give at least two.",
                filename=table.filename,
                n_labels=n_labels,
                label_column=label_column,
            )
        )
    if n_labels > MAX_LABELS:
        raise CorpusError(
            _(
                "{filename!r} has {n_labels} different labels in column {label_column!r}, "
                "more than {max_labels}; name the label column 'label' and give it few different values.",
                filename=table.filename,
                n_labels=n_labels,
                label_column=label_column,
                max_labels=MAX_LABELS,
            )
        )
    return LabelledTexts.from_names(pairs)


def labelled_jsonl(data: LabelledTexts) -> str:
    """Labelled texts as JSON lines that `read_labelled` reads back. Raises `CorpusError` where they are too large.

    >>> labelled_jsonl(LabelledTexts(("Win!",), (1,), ("ham", "spam")))
    '{"text": "Win!", "label": "spam"}'
    """
    lines = "\n".join(
        json.dumps({"text": text, "label": data.label_names[label]}, ensure_ascii=False)
        for text, label in zip(data.texts, data.labels, strict=True)
    )
    if len(lines.encode("utf-8")) > MAX_UPLOAD_BYTES:
        raise CorpusError(
            _(
                "The rows are larger than {max_upload_bytes} MB; leave some of them out.",
                max_upload_bytes=MAX_UPLOAD_BYTES // 2**20,
            )
        )
    return lines


def _check_upload(data: bytes, filename: str, suffixes: Sequence[str]) -> str:
    suffix = PurePath(filename).suffix.lower()
    if suffix not in suffixes:
        raise CorpusError(
            _(
                "{filename!r} is of a kind that cannot be read here; upload one of {join}.",
                filename=filename,
                join=", ".join(suffixes),
            )
        )
    if not data:
        raise CorpusError(_("{filename!r} is empty; choose a file with some text in it.", filename=filename))
    if len(data) > MAX_UPLOAD_BYTES:
        raise CorpusError(
            _(
                "{filename!r} has {value:.1f} MB, more than the {max_upload_bytes} MB allowed; upload a part of it.",
                filename=filename,
                value=len(data) / 2**20,
                max_upload_bytes=MAX_UPLOAD_BYTES // 2**20,
            )
        )
    return suffix


def _decode_upload(data: bytes, filename: str) -> str:
    """Bytes to text by BOM, then UTF-8, then Latin-1, with newlines as `\\n`."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise CorpusError(
            _("{filename!r} is UTF-32, which few programs read; save it again as UTF-8.", filename=filename)
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise CorpusError(
                _(
                    "{filename!r} starts as UTF-16 but breaks off at byte {start}; save it again as UTF-8.",
                    filename=filename,
                    start=error.start,
                )
            ) from None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
            _refuse_binary(text, filename)
    if "\0" in text:
        raise CorpusError(
            _(
                "{filename!r} holds NUL characters, so it is not plain text; save it again as UTF-8 text.",
                filename=filename,
            )
        )
    return _with_plain_newlines(text)


def _with_plain_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")


def _refuse_binary(text: str, filename: str) -> None:
    """Latin-1 decodes anything; real text has almost no control characters among its first 64 k."""
    sample = text[:65536]
    controls = sum(1 for char in sample if (char < " " and char not in "\t\n\r\f") or "\x7f" <= char <= "\x9f")
    # Windows-1252 quotes and dashes fall in 0x80..0x9f, so a few of them are fine.
    if controls > 0.05 * len(sample):
        raise CorpusError(
            _(
                "{filename!r} looks like a binary file; export it as plain text (UTF-8) and upload that.",
                filename=filename,
            )
        )


def _read_table(text: str, suffix: str, filename: str) -> list[Row]:
    rows = _read_jsonl(text, filename) if suffix == ".jsonl" else _read_csv(text, suffix, filename)
    if not rows:
        raise CorpusError(
            _("{filename!r} has no rows of data; give it a header line and at least one row.", filename=filename)
        )
    return rows


def _read_jsonl(text: str, filename: str) -> list[Row]:
    """One JSON object a line; only its string, number and truth values are kept, as text."""
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise CorpusError(
                _(
                    "Line {number} of {filename!r} is not valid JSON; write one JSON object on each line.",
                    number=number,
                    filename=filename,
                )
            ) from None
        if isinstance(value, str):
            value = {"text": value}
        if not isinstance(value, dict):
            raise CorpusError(
                _(
                    'Line {number} of {filename!r} is a {name}, not an object; write lines such as {{"text": "…"}}.',
                    number=number,
                    filename=filename,
                    name=type(value).__name__,
                )
            )
        row = {
            # JSON's escapes can bring back what was cleaned from the file itself.
            str(key): _with_plain_newlines(entry) if isinstance(entry, str) else json.dumps(entry)
            for key, entry in value.items()
            if isinstance(entry, str | int | float)
        }
        if any("\0" in entry or not _is_valid_unicode(entry) for pair in row.items() for entry in pair):
            raise CorpusError(
                _(
                    "Line {number} of {filename!r} holds a NUL or half of a character pair "
                    "(\\ud800 and the like); remove it.",
                    number=number,
                    filename=filename,
                )
            )
        rows.append(row)
    return rows


def _is_valid_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _read_csv(text: str, suffix: str, filename: str) -> list[Row]:
    """Rows by the header's names; the separator is a tab for .tsv, else the commonest of , ; tab in it."""
    header = text.lstrip("\n").partition("\n")[0]
    delimiter = "\t" if suffix == ".tsv" else max(",;\t", key=header.count)
    csv.field_size_limit(MAX_UPLOAD_BYTES)  # for the whole process: setting it back would race with other threads
    try:
        # newline="" leaves newlines inside quoted fields alone.
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise CorpusError(
            _(
                "{filename!r} cannot be read as a table ({error}); export it again as CSV.",
                filename=filename,
                error=error,
            )
        ) from None
    if not table:
        return []
    names = [name.strip() or _("column {index}", index=index) for index, name in enumerate(table[0], start=1)]
    if len(table) == 1:
        raise CorpusError(
            _("{filename!r} has only a header line; add at least one row of data under it.", filename=filename)
        )
    return [dict(zip(names, row, strict=False)) for row in table[1:]]


def _restore_first_row(rows: list[Row]) -> list[Row]:
    """Put a first row that was data back in its place: two columns whose names are not names of columns."""
    names = list(rows[0])
    known = {*_TEXT_NAMES, *_LABEL_NAMES}
    if len(names) != 2 or any(name.lower() in known for name in names):
        return rows
    values = [{row[name] for row in rows if name in row} for name in names]
    if not any(name in column for name, column in zip(names, values, strict=True)):
        return rows
    return [dict(zip(names, names, strict=True)), *rows]


def _choose_text_column(rows: list[Row], filename: str, avoid: Sequence[str] = ()) -> str:
    """The column called "text" or the like, else the one with the most characters."""
    sizes: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            sizes[name] = sizes.get(name, 0) + len(value)
    for wanted in _TEXT_NAMES:
        for name in sizes:
            if name.lower() == wanted:
                return name
    candidates = {name: size for name, size in sizes.items() if size and name.lower() not in avoid}
    if not candidates:
        raise CorpusError(
            _("{filename!r} has no column with text in it; name the column of texts 'text'.", filename=filename)
        )
    return max(candidates, key=lambda name: candidates[name])


def _choose_label_column(rows: list[Row], text_column: str, filename: str) -> str:
    """The column called "label" or the like, else the one with the fewest different values."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            if name != text_column:
                values.setdefault(name, set()).add(value)
    for wanted in _LABEL_NAMES:
        for name in values:
            if name.lower() == wanted:
                return name
    if not values:
        raise CorpusError(
            _(
                "{filename!r} has one column only; add a column named 'label' with the class of each text.",
                filename=filename,
            )
        )
    return min(values, key=lambda name: (len(values[name]) < 2, len(values[name])))


def upload_text(data: bytes, filename: str, suffixes: Sequence[str]) -> tuple[str, str]:
    """An uploaded file's suffix, which must be one of these, and its text. Raises `CorpusError`."""
    suffix = _check_upload(data, filename, suffixes)
    return suffix, _decode_upload(data, filename)


def table_rows(text: str, suffix: str, filename: str) -> list[Row]:
    """The rows of a table (".csv" or ".tsv") by the names in its header. Raises `CorpusError`."""
    return _read_table(text, suffix, filename)
