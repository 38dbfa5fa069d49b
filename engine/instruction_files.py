"""A learner's own pairs: out of a file, and as the JSON lines that a run reads."""

from __future__ import annotations

import json
from collections.abc import Iterable

from engine.errors import CorpusError
from engine.instructions import Example, read_examples
from engine.language import _
from engine.uploads import table_rows, upload_text

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
_COLUMNS = {
    "instruction": ("instruction", "question", "prompt"),
    "input": ("input", "context"),
    "answer": ("output", "answer", "response", "completion"),
}


def read_example_file(data: bytes, filename: str) -> list[Example]:
    """The pairs of a .json or .jsonl file (see `engine.instructions.read_examples`) or of a .csv or .tsv table.

    A table has columns called instruction (or question, prompt) and output (or answer, response), perhaps input (or
    context); with other names, its first two columns are taken. Raises CorpusError with what to change.
    """
    suffix, text = upload_text(data, filename, SUFFIXES)
    if suffix in (".json", ".jsonl"):
        return read_examples(text)
    rows = table_rows(text, suffix, filename)
    names = list(rows[0])
    found = {
        part: next((name for name in names if name.strip().lower() in known), None) for part, known in _COLUMNS.items()
    }
    if found["instruction"] is None or found["answer"] is None:
        if len(names) < 2:
            raise CorpusError(
                _("{filename!r} has one column: give it an instruction and an output column.", filename=filename)
            )
        found = {"instruction": names[0], "input": None, "answer": names[1]}
    examples = []
    for row in rows:
        asked, answer = (row.get(found[part] or "", "").strip() for part in ("instruction", "answer"))
        if asked and answer:
            examples.append(Example(asked, answer, row.get(found["input"] or "", "").strip()))
    if not examples:
        raise CorpusError(
            _("No row of {filename!r} has both an instruction and an output: fill them in.", filename=filename)
        )
    return examples


def as_json_lines(examples: Iterable[Example]) -> str:
    """Pairs in Alpaca's form, one object a line; `read_examples` reads them back.

    >>> as_json_lines([Example("Say hi.", "hi")])
    '{"instruction": "Say hi.", "output": "hi"}'
    """
    lines = []
    for example in examples:
        entry = {"instruction": example.instruction, "output": example.answer}
        if example.input:
            entry["input"] = example.input
        lines.append(json.dumps(entry, ensure_ascii=False))
    return "\n".join(lines)
