"""The lesson on attention, its maps and its heads: what the components accept, and each part through the real page."""

import base64

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.components.attention_map import attention_map, clicked_row, encoded, labels


def causal_map(n: int) -> np.ndarray:
    weights = np.tril(np.random.default_rng(0).random((n, n)))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("weights", "named", "complaint"),
    [
        (np.zeros(3), {}, "rows and columns"),
        (np.zeros((0, 3)), {}, "rows and columns"),
        (np.full((2, 2), np.nan), {"causal": False}, "not finite"),
        (np.array([[1, 0], [np.inf, 0]]), {}, "not finite"),
        (np.array([[1, 0], [-0.5, 0]]), {}, "between 0 and 1"),
        (np.array([[1, 0], [1.5, 0]]), {}, "between 0 and 1"),
        (np.full((2, 2), 0.5), {}, "above the diagonal"),
        (np.eye(3), {}, "labels do not fit"),
        (np.eye(2), {"row_ids": [1]}, "row_ids has 1 ids for 2"),
        (np.eye(2), {"column_ids": [1, 2, 3]}, "column_ids has 3 ids for 2"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(weights, named, complaint):
    with pytest.raises(ValueError, match=complaint):
        attention_map(weights, ["a", "b"], ["a", "b"], key="m", summary="s", **named)


def test_a_map_of_two_texts_and_the_last_rows_of_a_longer_one_are_drawn():
    def script():
        import numpy as np
        import streamlit as st

        from pages.shared.components.attention_map import attention_map

        st.write(attention_map(np.full((2, 3), 1 / 3), "ab", "ABC", key="x", causal=False, summary="s"))
        last = np.array([[0.5, 0.5, 0], [0.2, 0.3, 0.5]])
        st.write(attention_map(last, "bc", "abc", key="y", summary="s", locked=9))

    app = AppTest.from_function(script).run()
    assert not app.exception


def test_the_wire_keeps_weights_to_less_than_a_hundred_thousandth():
    weights = causal_map(20)
    sent = np.frombuffer(base64.b64decode(encoded(weights)), "<u2").reshape(20, 20) / 65535
    np.testing.assert_allclose(sent, weights, atol=1e-5)


def test_a_label_of_very_many_characters_is_cut():
    assert [len(text) for text in labels(["a" + "\u0301" * 100_000, "b"])] == [40, 1]


@pytest.mark.parametrize(("sent", "seen"), [(1, [1]), (0, [0]), (2, []), (-1, []), (True, []), ("1", []), (None, [])])
def test_only_a_row_of_the_map_is_handed_on(sent, seen, monkeypatch):
    import streamlit as st

    class Result:
        clicked = sent

    rows: list[int] = []
    monkeypatch.setattr(st, "session_state", {"m": Result()})
    clicked_row("m", 2, rows.append)()
    assert rows == seen
