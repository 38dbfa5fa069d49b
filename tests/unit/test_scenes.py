"""Scenes: what goes in comes out, nothing else does, and there are never too many."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.classroom import scenes
from engine.classroom.scenes import Scene, SceneError, SceneStore, is_scene_id, new_scene_id, packed, unpacked

LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
LEAVES |= st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=4,
)


@pytest.fixture
def store(tmp_path):
    made = SceneStore(f"sqlite:///{tmp_path / 'scenes.sqlite'}")
    yield made
    made.close()


@settings(max_examples=60)
@given(VALUES)
def test_a_simple_value_comes_back_as_it_was(value):
    try:
        held = packed(value)
    except ValueError:  # deeper than a control's value ever is
        return
    back = unpacked(held)
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), b"bytes", {1: 2}, [object()]])
def test_what_is_not_simple_is_refused(value):
    with pytest.raises(ValueError):
        packed(value)


@pytest.mark.parametrize("held", [[1], {"tuple": 3}, {"list": [1], "set": []}, {"eval": ["x"]}, {"dict": [1]}, {}])
def test_what_was_not_packed_is_not_unpacked(held):
    with pytest.raises(ValueError):
        unpacked(held)


def test_a_scene_comes_back_and_an_unknown_one_does_not(store):
    scene = Scene("attention", 1, 2, {"a": (1, 2.5)}, {"run_id": "x"}, {"run": "y"})
    assert store.get(store.save(scene, "ada")) == scene
    assert store.get(new_scene_id()) is None and store.get("' OR 1=1") is None


def test_too_large_a_page_is_refused_with_a_sentence(store):
    with pytest.raises(SceneError, match="shorten the text"):
        store.save(Scene("attention", values={"text": "a" * scenes.MAX_BYTES}), "ada")


def test_only_a_teachers_lock_holds(store):
    scene = Scene("attention", lock="hidden")
    assert store.get(store.save(scene, "ada")).lock == "free"
    assert store.get(store.save(scene, "ada", by_teacher=True)).lock == "hidden"


def test_the_oldest_scenes_make_room_and_those_of_teachers_are_not_crowded_out(store, monkeypatch):
    monkeypatch.setattr(scenes, "PER_LEARNER", 3)
    monkeypatch.setattr(scenes, "IN_ALL", 4)
    of_teacher = store.save(Scene("attention"), "teacher", by_teacher=True)
    mine = [store.save(Scene("attention"), "ada") for _ in range(4)]
    assert store.get(mine[0]) is None and store.get(mine[1]) is not None
    for learner in "bcde":
        store.save(Scene("attention"), learner)
    assert all(store.get(each) is None for each in mine) and store.get(of_teacher) is not None


def test_ids_are_those_that_an_address_can_hold():
    assert all(is_scene_id(new_scene_id()) for _ in range(50))
    assert not any(is_scene_id(each) for each in ("", "short", "UPPERCASE1", "aaaaaaaaaa\n", None, 7))
