from engine.generation import GenerationStep
from pages.shared.draft import Draft, show_bytes


def step(token_id: int) -> GenerationStep:
    return GenerationStep(0, token_id, b"x", "x", 0.5, 1.0)


def written(*ids: int) -> Draft:
    draft = Draft.of_prompt([1, 2])
    draft.begin()
    for token_id in ids:
        draft.append(step(token_id))
    return draft


def test_rewinding_keeps_what_stood_there_as_a_branch_and_spares_the_prompt():
    draft = written(5, 6, 7)
    draft.rewind(3)
    assert draft.ids == [1, 2, 5]
    assert [[t.id for t in branch] for branch in draft.branches] == [[1, 2, 5, 6, 7]]
    draft.rewind(0)
    assert draft.ids == [1, 2]


def test_another_way_and_back_to_the_first():
    draft = written(5, 6, 7)
    draft.rewind(3)
    draft.force(9, 0.01)
    assert draft.tokens[-1].forced
    draft.switch(0)
    assert draft.ids == [1, 2, 5, 6, 7]
    assert [[t.id for t in branch] for branch in draft.branches] == [[1, 2, 5, 9]]


def test_undo_goes_back_one_change_at_a_time():
    draft = written(5)
    draft.force(6, 0.1)
    draft.undo()
    assert draft.ids == [1, 2, 5]
    draft.undo()
    assert draft.ids == [1, 2]
    draft.undo()
    assert draft.ids == [1, 2]


def test_a_branch_that_only_repeats_another_is_not_kept():
    draft = written(5, 6, 7)
    draft.rewind(4)
    draft.rewind(3)
    assert len(draft.branches) == 2
    draft.switch(1)
    draft.rewind(4)
    assert [[t.id for t in b] for b in draft.branches].count([1, 2, 5, 6, 7]) == 1


def test_bytes_that_are_no_character_are_shown_as_numbers():
    assert show_bytes(b"caf\xc3") == "caf\\xc3"
    assert show_bytes("é".encode()) == "é"
