"""What is left in English on a page that was drawn for a French reader.

Every text of every element is looked at, whatever carries it: labels, help, options, captions, what names a chart and
its parts, the cells of a table, what a component was given. Left out are code, what stands in quotation marks, and the
places where texts of a corpus, a model or a learner stand.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pyarrow
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from engine import language

FUNCTION_WORDS = frozenset(
    "the of and is with for are was it its which that from by to this these than what who how each every where when"
    " has have be as at can in".split()
)
# Elements and fields that are not read, or hold what a learner, a corpus or a model wrote.
_PASSED_OVER = frozenset({"code", "text"})
_FIELDS_PASSED_OVER = frozenset(
    "id key user_key form_id element_id css_style url_path css_content js_content html_content icon source_file_id"
    " component_name widget_id bind query_param_key fragment_id script_hash url file_name download_url type"
    " default value display_values pages_by_name".split()
)
_NAMES_IN_CHARTS = frozenset({"title", "text", "domain", "sort", "labelExpr"})
_NAMES_IN_COMPONENTS = frozenset(
    "title label summary caption heading head hint help note placeholder empty groups legend".split()
)
_CELLS_PASSED_OVER = frozenset("word token text Text Sentence begins label Label is called".split())
_SHOWN_OTHERWISE = frozenset({"train", "validation"})  # by the expression that labels the legend of losses
# A language's own name in the switch; a name in the pipeline's map, which its component does not ask for yet.
_MEANT = frozenset({"English"})
_NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$[^$]*\$|\]\(\S+|https?://\S+|:material/\w+:|<[^>]*>|\w+/\w+\.py|Stories · test", re.DOTALL
)
_QUOTED = re.compile(r"“[^”]*”|«[^»]*»|\"[^\"]*\"|‘[^’]*’")
_DECIMAL = re.compile(r"(?<![\w.\-/:])(?<!tableau )(?<!figure )\d+\.\d+(?![\w.]|-\w)")


def left_in_english(app: AppTest) -> list[tuple[str, str, str]]:
    """(why, where, text) of everything English on the page."""
    found = ((_why(where, text, prose), where, text) for where, text, prose in _texts(app))
    return [each for each in dict.fromkeys(found) if each[0]]


def _why(where: str, text: str, prose: bool) -> str:
    if text in _english() - _MEANT:
        return "a message"
    if not prose or text in language._catalog("fr"):  # in French it is the same
        return ""
    plain = _plain(text)
    words = _words(plain)
    least = 1 if where == "dataframe.columns" else 2  # of a single word elsewhere, it may be a token
    if len(FUNCTION_WORDS & words) > 1 or 2 * len(_only_english() & words) > len(words) >= least:
        return "English words"
    return "a decimal point" if _DECIMAL.search(plain) else ""


def _plain(text: str) -> str:
    """Without code, addresses, icons and quotations."""
    return _QUOTED.sub(" ", _NO_PROSE.sub(" ", text))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-zà-ÿœ]{2,}(?![’'])", text.lower()))


@cache
def _only_english() -> frozenset[str]:
    """Words of messages that no translation has: what never went through the catalog is made of them."""
    catalog = language._catalog("fr").items()
    told = [
        text
        for message, texts in catalog
        if texts != message
        for text in ([texts] if isinstance(texts, str) else texts)
    ]
    words = [frozenset().union(*(_words(_plain(text)) for text in texts)) for texts in (dict(catalog), told)]
    return words[0] - words[1]


@cache
def _english() -> frozenset[str]:
    """Messages whose French is another text, and which are no French themselves."""
    catalog = language._catalog("fr")
    french = {text for texts in catalog.values() for text in ([texts] if isinstance(texts, str) else texts)}
    return frozenset(text for text in catalog if text not in french)


def _texts(app: AppTest) -> Iterator[tuple[str, str, bool]]:
    """(where, text, whether it is prose of the app's own) of all that is shown."""
    for place in (app.main, app.sidebar):
        for block in _walk(place):
            kind = getattr(block, "type", "")
            if isinstance(proto := getattr(block, "proto", None), Message) and kind not in _PASSED_OVER:
                yield from _of(proto, kind)


def _walk(block: Any) -> Iterator[Any]:
    yield block
    for child in getattr(block, "children", {}).values():
        yield from _walk(child)


def _of(proto: Message, where: str) -> Iterator[tuple[str, str, bool]]:
    for field, value in proto.ListFields():
        at = f"{where}.{field.name}"
        if field.name in _FIELDS_PASSED_OVER:
            continue
        for each in value if hasattr(value, "append") or hasattr(value, "add") else [value]:
            if isinstance(each, Message):
                yield from _of(each, at)
            elif isinstance(each, bytes):
                yield from ((at, text, False) for text in (_cells(each) if where.startswith("dataframe") else ()))
            elif isinstance(each, str):
                yield from _of_text(each, at)


def _of_text(text: str, at: str) -> Iterator[tuple[str, str, bool]]:
    data = _read(text) if text[:1] in "{[" else None
    if data is None:
        yield at, text, at != "selectbox.options"
    elif at == "dataframe.columns":
        labels = (settings.get("label") or name for name, settings in data.items() if settings)
        yield from ((at, label, not label[:1].isdigit()) for label in labels)  # "6 this" is a word of a sentence
    elif at.endswith(".spec"):
        yield from ((at + path, each, False) for path, each in _named(data, _NAMES_IN_CHARTS))
    else:
        yield from ((at + path, each, True) for path, each in _named(data, _NAMES_IN_COMPONENTS))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _named(data: Any, names: frozenset[str], path: str = "", inside: bool = False) -> Iterator[tuple[str, str]]:
    """(path, text) of the texts that stand under one of these names."""
    if isinstance(data, str):
        if inside and data not in _SHOWN_OTHERWISE:
            yield path, data
    elif isinstance(data, Mapping):
        for name, each in data.items():
            yield from _named(each, names, f"{path}/{name}", inside=name in names or (inside and name == "text"))
    elif isinstance(data, list):
        for each in data:
            yield from _named(each, names, path, inside)


def _cells(data: bytes) -> Iterator[str]:
    """The text cells of a table, but for those of tokens, words and whole texts."""
    try:
        table = pyarrow.ipc.open_stream(io.BytesIO(data)).read_all()
    except pyarrow.ArrowInvalid:
        return
    for name, column in zip(table.column_names, table.columns, strict=True):
        is_text = pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type)
        if is_text and name not in _CELLS_PASSED_OVER:
            yield from {each for each in column.to_pylist() if each}
