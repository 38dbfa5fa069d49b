"""What a visitor can send is bounded by the server, whatever a browser (or what poses as one) says."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
_TYPING = re.compile(r"\.(text_input|text_area|chat_input)\(")
PAGES = [path for path in sorted((PROJECT / "pages").rglob("*.py")) if _TYPING.search(path.read_text("utf-8"))]


def fields(path: Path) -> list[ast.Call]:
    """The calls in a page's source that draw a field to type in."""
    return [
        node
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("text_input", "text_area", "chat_input")
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_field_to_type_in_is_cut_by_the_server_at_a_length_that_the_page_names(path: Path) -> None:
    unbounded = [call.lineno for call in fields(path) if "max_chars" not in {each.arg for each in call.keywords}]
    assert not unbounded, f"{path.name}: fields without max_chars in lines {unbounded}"


def test_fields_were_found() -> None:
    assert sum(len(fields(path)) for path in PAGES) > 20


def test_uploads_and_messages_have_a_limit() -> None:
    server = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text("utf-8"))["server"]
    assert server["maxUploadSize"] <= 20 and server["maxWidgetStateSize"] <= 16
