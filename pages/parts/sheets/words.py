"""What lessons say of themselves: goal, minutes, and what to notice in each part.

The texts stand once, where the pages show them (`objective(…)`, `notice(…)`); here they are read from the pages'
source, so that no second copy can grow old.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from engine.language import _, cached_by_language
from pages.shared.sitemap import PAGES_FOLDER, Lesson

MOST = 4
"""So many parts of a lesson say on its sheet what to notice."""


@cached_by_language(maxsize=64)
def goal_of(lesson: Lesson) -> tuple[str, int]:
    """The lesson's objective and its minutes; empty and 0 where it states none."""
    for call in _calls(lesson.path, "objective"):
        minutes = next((each.value for each in call.keywords if each.arg == "minutes"), None)
        text = _text(call.args[0]) if call.args else ""
        return plain(text), int(minutes.value) if isinstance(minutes, ast.Constant) else 0  # type: ignore[call-overload]
    return "", 0


@cached_by_language(maxsize=64)
def notices_of(lesson: Lesson) -> tuple[tuple[str, str], ...]:
    """The first thing to notice in each part of a lesson, with the part's title; of a lesson in one piece all."""
    found = []
    for title, module in _parts(lesson.path):
        first = next((text for text in _notices(module) if text), "")
        if first:
            found.append((title, first))
    if not found:
        files = [lesson.path, *_modules(lesson.path).values()]
        found = [("", text) for file in files if file.exists() for text in _notices(file)]
    step = max(1, len(found) // MOST)
    return tuple(found[::step][:MOST])


def plain(text: str) -> str:
    """Markdown as plain text: no emphasis, no icons."""
    return re.sub(r":material/\w+:", "", re.sub(r"[*`]", "", text)).strip()


def _calls(file: Path, name: str) -> list[ast.Call]:
    tree = ast.parse(file.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name]


def _text(node: ast.expr) -> str:
    """A literal text in the reader's language; empty for what is put together."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "N_") and node.args:
        node = node.args[0]
    return _(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _notices(file: Path) -> list[str]:
    return [plain(_text(each)) for call in _calls(file, "notice") for each in call.args if _text(each)]


def _parts(file: Path) -> list[tuple[str, Path]]:
    """Titles of a lesson's parts and the module of each, as `choose_part({title: module.show})` names them."""
    modules = _modules(file)
    parts = []
    for call in _calls(file, "choose_part"):
        table = call.args[0]
        for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
            name = value.value.id if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) else ""
            name = value.id if isinstance(value, ast.Name) else name
            if key is not None and name in modules and modules[name].exists():
                parts.append((_text(key), modules[name]))
    return parts


def _modules(file: Path) -> dict[str, Path]:
    """The files that names imported from a lesson's parts stand for."""
    modules: dict[str, Path] = {}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pages.parts"):
            folder = PAGES_FOLDER.parent.joinpath(*str(node.module).split("."))
            for alias in node.names:
                here = folder / f"{alias.name}.py"
                modules[alias.asname or alias.name] = here if here.exists() else folder.with_suffix(".py")
    return modules
