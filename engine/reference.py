"""The Python reference: the chapters behind `help()` and the docstrings of the standard library.

Sources are parsed with `ast` and never run, so nothing is imported that a learner did not ask for.
"""

import ast
import inspect
import re
import sys
import sysconfig
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

_NOT_REFERENCE = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "this",
    "antigravity",
    "turtledemo",
    "pydoc_data",
    "__main__",
}

PARSING = threading.Lock()
"""Held by whatever builds syntax trees: two threads at once end in "AST constructor recursion depth mismatch" now and
then (seen in CPython 3.11.7).
"""


def _reference_topics() -> Iterator[str]:
    """The chapters of the language reference that ship with Python's help()."""
    from pydoc_data.topics import topics

    for name in sorted(topics):
        text = topics[name].replace("\r\n", "\n").strip()
        if text:
            yield text


def _module_files() -> list[tuple[str, Path]]:
    """`(dotted name, file)` of the public modules of the standard library that are written in Python.

    Modules of the first level ("json") come before those inside them ("json.decoder").
    """
    root = Path(sysconfig.get_path("stdlib"))
    found: list[tuple[str, Path]] = []
    for name in sorted(sys.stdlib_module_names):
        if name.startswith("_") or name in _NOT_REFERENCE:
            continue
        if (root / f"{name}.py").is_file():
            found.append((name, root / f"{name}.py"))
        elif (root / name / "__init__.py").is_file():
            for path in sorted((root / name).rglob("*.py")):
                parts = path.relative_to(root).with_suffix("").parts
                if parts[-1] == "__init__":
                    parts = parts[:-1]
                if not any(part.startswith("_") or part in _NOT_REFERENCE for part in parts):
                    found.append((".".join(parts), path))
    return sorted(found, key=lambda entry: (entry[0].count(".") > 0, entry[0]))


def documented_names() -> Iterator[tuple[str, str]]:
    """`(dotted name, first sentence of its docstring)` of public functions and classes of the standard library.

    A sentence that goes on over several lines is joined; one that is a signature or a heading is left out.
    """
    for module, path in _module_files():
        tree = _parsed(path)
        if tree is not None:
            yield from _first_sentences(tree, module)


def _first_sentences(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    for child in getattr(node, "body", []):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or child.name.startswith("_"):
            continue
        path = f"{name}.{child.name}"
        paragraph = " ".join((ast.get_docstring(child) or "").partition("\n\n")[0].split())
        sentence = re.split(r"(?<=[.!?]) ", paragraph, maxsplit=1)[0]
        if len(sentence.split()) >= 3 and sentence.endswith("."):
            yield path, sentence
        if isinstance(child, ast.ClassDef):
            yield from _first_sentences(child, path)


def _parsed(path: Path) -> ast.Module | None:
    """The syntax tree of a source file; None where it cannot be read or parsed."""
    try:
        with PARSING, warnings.catch_warnings(action="ignore"):
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _describe(node: ast.AST, name: str) -> Iterator[str]:
    """The docstrings of a module's public classes and functions, each under its signature."""
    for child in getattr(node, "body", []):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or child.name.startswith("_"):
            continue
        path = f"{name}.{child.name}"
        docstring = ast.get_docstring(child)
        if docstring:
            if isinstance(child, ast.ClassDef):
                signature = f"class {path}"
            else:
                signature = f"{path}({ast.unparse(child.args)})"
            yield signature + "\n" + "\n".join(f"    {line}".rstrip() for line in docstring.split("\n"))
        if isinstance(child, ast.ClassDef):
            yield from _describe(child, path)


def _module_reference(name: str, path: Path) -> str:
    """One module's documentation, or "" where it has none or cannot be parsed."""
    tree = _parsed(path)
    if tree is None:
        return ""
    docstring = ast.get_docstring(tree)
    parts = [inspect.cleandoc(docstring)] if docstring else []
    parts.extend(_describe(tree, name))
    return f"Module {name}\n\n" + "\n\n".join(parts) if parts else ""


def python_reference() -> Iterator[str]:
    """Documents of the Python reference: the topics of `help()`, then one per module of the standard library.

    Sources are parsed with `ast` and never run. The text is that of the running Python version.
    """
    yield from _reference_topics()
    for name, path in _module_files():
        document = _module_reference(name, path)
        if document:
            yield document
