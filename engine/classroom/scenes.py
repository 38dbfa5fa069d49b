"""Scenes: the state of a page (settings, model, checkpoint, prompt, seed), kept so that a link brings it back.

A scene is known by a short random id, which is all that its link holds. What the store returns is checked again: only
simple values come out, whatever was put in.
"""

from __future__ import annotations

import json
import math
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select
from sqlalchemy.engine import Connection

from engine.classroom.tables import scenes
from engine.errors import EngineError
from engine.runs.tables import open_engines

Lock = Literal["free", "locked", "hidden"]
LOCKS: tuple[Lock, ...] = ("free", "locked", "hidden")

MAX_BYTES = 64 * 1024
"""The most that the values of one scene may take as JSON."""
MAX_VALUES = 300
MAX_KEY = 200
MAX_DEPTH = 4
PER_LEARNER = 200
IN_ALL = 5_000
"""So many scenes of learners are kept, the newest; those of teachers are counted by themselves."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another when it is read aloud
_LENGTH = 10
_SCENE = re.compile(rf"[{_LETTERS}]{{{_LENGTH}}}")
_TAGS = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}


class SceneError(EngineError):
    """A scene that cannot be kept."""


@dataclass(frozen=True)
class Scene:
    """A page's state. `part`: place of the part in the lesson, from 0, or −1; `step`: number of the guide's step, or 0.

    `values` holds what controls are set to, `state` what else the page remembers (a seed, a place that was clicked),
    `query` what stood in the address. `lock` says what whoever opens it may do with the controls.
    """

    lesson: str
    part: int = -1
    step: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    lock: Lock = "free"


def new_scene_id() -> str:
    """A random id of about 49 bits.

    >>> is_scene_id(new_scene_id())
    True
    """
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def is_scene_id(text: object) -> bool:
    """Whether this can be the id of a scene; an address may hold anything."""
    return isinstance(text, str) and _SCENE.fullmatch(text) is not None


def packed(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A simple value as JSON holds it, with the kind of a collection beside it; ValueError for any other value.

    >>> packed((1, "a"))
    {'tuple': [1, 'a']}
    """
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of numpy's
        return packed(value.item(), depth)
    if type(value) is dict and depth > 0 and all(isinstance(key, str) for key in value):
        return {"dict": {key: packed(each, depth - 1) for key, each in value.items()}}
    for name, kind in _TAGS.items():
        if type(value) is kind and depth > 0:
            return {name: [packed(each, depth - 1) for each in value]}
    raise ValueError(f"{type(value).__name__} is no simple value.")


def unpacked(value: Any, depth: int = MAX_DEPTH) -> Any:
    """What `packed` made of a value; ValueError for what it cannot have made.

    >>> unpacked({"tuple": [1, "a"]})
    (1, 'a')
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, dict) and len(value) == 1 and depth > 0:
        name, members = next(iter(value.items()))
        if name == "dict" and isinstance(members, dict):
            return {str(key): unpacked(each, depth - 1) for key, each in members.items()}
        if name in _TAGS and isinstance(members, list):
            return _TAGS[name](unpacked(each, depth - 1) for each in members)
    raise ValueError(f"{type(value).__name__} is no packed value.")


def simple(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a scene can hold."""
    kept = {}
    for key, value in values.items():
        try:
            packed(value)
        except ValueError:
            continue
        kept[key] = value
    return kept


class SceneStore:
    """The scenes of a course; safe to use from many threads and processes at once."""

    def __init__(self, url: str) -> None:
        self.writing, self.reading = open_engines(url)

    def close(self) -> None:
        """Gives the connections back."""
        self.writing.dispose()

    def save(self, scene: Scene, learner: str, *, by_teacher: bool = False) -> str:
        """Keeps a scene; returns its id. Raises SceneError where it is too large, ValueError for no simple values.

        Of each learner the newest 200 are kept, of all learners 5,000.
        """
        values, state = ({key: packed(value) for key, value in which.items()} for which in (scene.values, scene.state))
        content = {"values": values, "state": state, "query": dict(scene.query), "step": scene.step, "lock": scene.lock}
        size = len(json.dumps(content, separators=(",", ":")))
        if size > MAX_BYTES or len(values) + len(state) > MAX_VALUES:
            raise SceneError(
                f"this page holds {size / 1024:,.0f} kB, and a link at most {MAX_BYTES // 1024}: "
                "shorten the text in it."
            )
        if scene.lock not in LOCKS:
            raise ValueError(f"lock is {scene.lock!r}; it must be one of {', '.join(LOCKS)}.")
        row = {
            "scene": new_scene_id(),
            "learner": learner,
            "by_teacher": by_teacher,
            "lesson": scene.lesson[:64],
            "part": scene.part,
            "content": content,
            "created_at": time.time(),
        }
        with self.writing.begin() as connection:
            connection.execute(insert(scenes).values(**row))
            self._drop_oldest(connection, PER_LEARNER, scenes.c.learner == learner)
            self._drop_oldest(connection, IN_ALL, scenes.c.by_teacher == by_teacher)
        return str(row["scene"])

    def get(self, scene_id: str) -> Scene | None:
        """The scene of this id; None if there is none (any more) or if what is stored is none."""
        if not is_scene_id(scene_id):
            return None
        with self.reading.connect() as connection:
            row = connection.execute(select(scenes).where(scenes.c.scene == scene_id)).one_or_none()
        return None if row is None else _checked(row.lesson, row.part, row.content, row.by_teacher)

    def _drop_oldest(self, connection: Connection, most: int, which: Any) -> None:
        found = connection.execute(select(func.count()).select_from(scenes).where(which)).scalar_one()
        if found > most:
            oldest = select(scenes.c.scene).where(which).order_by(scenes.c.created_at).limit(found - most)
            connection.execute(delete(scenes).where(scenes.c.scene.in_(oldest)))


def _checked(lesson: str, part: int, content: Any, by_teacher: bool) -> Scene | None:
    """A scene with what is sound in a stored one. Only a teacher's scene locks or hides."""
    if not isinstance(content, dict):
        return None
    query, step, lock = (content.get(name) for name in ("query", "step", "lock"))
    texts = query.items() if isinstance(query, dict) else ()
    return Scene(
        lesson=lesson,
        part=part if 0 <= part < 100 else -1,
        step=step if type(step) is int and 0 < step < 100 else 0,
        values=_sound(content.get("values")),
        state=_sound(content.get("state")),
        query={str(key)[:MAX_KEY]: value for key, value in texts if isinstance(value, str) and len(value) <= 2_000},
        lock=lock if by_teacher and lock in LOCKS else "free",
    )


def _sound(values: Any) -> dict[str, Any]:
    sound: dict[str, Any] = {}
    for key, value in list(values.items())[:MAX_VALUES] if isinstance(values, dict) else ():
        try:
            sound[str(key)[:MAX_KEY]] = unpacked(value)
        except (ValueError, TypeError):  # TypeError: a set of what cannot be in one
            continue
    return sound
