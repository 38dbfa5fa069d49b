"""Part: the space of token vectors, in two or three dimensions, with neighbours, through the checkpoints of a run."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from engine import embedding
from engine.aside_worker import Call
from engine.checkpoint import Checkpoint
from engine.language import N_, _, number
from engine.moments import places_of
from engine.runs.token_use import arranged, own_kind_nearby, token_use
from engine.tokenizer import Tokenizer
from pages.parts.embeddings.source import token_text
from pages.shared.aside import all_computed, computed
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.embedding_map import MAX_POINTS, MapPoint, embedding_map
from pages.shared.components.neighbour_bars import neighbour_bars
from pages.shared.errors import shown_errors
from pages.shared.figure_files import page_of_plotly, show_save, table_file
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, load, model_named, settings_aside
from pages.shared.tables import show_table
from pages.shared.viewer import lab

COUNTED_CHARS = 6_000_000
MAX_TOKENS = 2_000  # tokens that can be chosen and be neighbours
MAX_TSNE = {2: 600, 3: 300}  # by dimensions: more would take longer than anyone waits
N_NEIGHBOURS = 10
N_NEAREST = 5  # in the table of kinds
_PENDING = "space_pending"
COLOURS = {N_("Form of the token"): embedding.FORMS, N_("Word list of the stories"): embedding.FAMILIES}
_PLOT_COLOURS = ["#2F8FC4", "#E07B00", "#1F9E78", "#C0699A", "#D0544A", "#8A939C"]
_PLOT_SHAPES = ["circle", "square", "diamond", "cross", "x", "circle"]


@dataclass(frozen=True)
class Vocabulary:
    """A run's tokens by how often its text has them: ids of those that occur, the most frequent first.

    `counted` is False where the text cannot be read any more: the ids are in their own order then, `unseen` is empty.
    """

    ids: np.ndarray
    counts: np.ndarray
    unseen: np.ndarray
    texts: dict[int, str]
    counted: bool


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Training moves the rows of W. Tokens that can stand in each other's place are pushed the same way, so "
            "they end up in like directions. Choose a token and see its neighbours; move the checkpoint and see how "
            "they came."
        )
    )
    model, token, how = st.columns([1, 1, 1.25], gap="medium")
    with model:
        choice = choose_model()
    if choice is None:
        return
    with shown_errors():
        _space(choice, token, how)
    notice(
        _(
            "At step 0 all is noise, and the best cosines are those of chance. In the example, 64 steps are enough for "
            "most animals, jobs and places to have their like as nearest neighbours."
        ),
        _(
            "Like means *used alike*. In the example “ she” is nearest to “ he” and “ happy” to “ glad”: whatever can "
            "stand in the same place. The model has seen no meaning but company."
        ),
        _(
            "Distances on a map lie: it shows two or three of the dimensions (PCA), or keeps only who is near whom "
            "(t-SNE, whose gaps and sizes mean nothing). The cosines in the list are exact."
        ),
    )
    exercise(
        _(
            "Colour by the word list, draw 1,200 tokens, and step through the checkpoints of the example. Why are "
            "there two groups of names?"
        ),
        _(
            "The same name is two tokens: with a leading space inside a sentence, and without one at the beginning. "
            "What follows and what comes before differs, so the two kinds gather apart. In the list, the neighbours of "
            "“ Anna” have a space and those of “Anna” have none."
        ),
    )
    show_code(embedding.neighbours, embedding.fit_pca, embedding.align, embedding.same_kind_nearby)


def _space(choice: ModelChoice, token: Any, how: Any) -> None:
    checkpoint = load(choice)
    words = _vocabulary(choice)
    with token:
        token_id = _choose_token(choice, words)
        colour = st.selectbox(
            _("Colour and shape by"),
            list(COLOURS),
            index=1,
            format_func=_,
            key="space_colour",
            persist_state="session",
            help=_(
                "A simple rule on the token's text: its form, or the word lists from which the stories are written."
            ),
        )
    with how:
        method, n_dims, n_tokens = _how(len(words.ids))
    picture, list_ = st.columns([2.3, 1], gap="large")
    weights = embedding.token_vectors(checkpoint.model)
    near = embedding.neighbours(weights, token_id, N_NEIGHBOURS, among=words.ids)
    with picture, shown_errors():
        points, frame, share = _places(choice, words, method, n_dims, n_tokens)
        st.markdown(
            _(
                "**The {n_points} most frequent tokens, by {method} in {n_dims} dimensions**",
                n_points=len(points),
                method=method,
                n_dims=n_dims,
            )
        )
        if n_dims == 2:
            _map_2d(points, frame, words, colour, token_id, [each.token_id for each in near], method)
        else:
            _map_3d(points, words, colour, token_id, [each.token_id for each in near], method)
        st.caption(_caption(choice, method, n_dims, len(points), share))
        if token_id not in set(words.ids[:n_tokens].tolist()):
            st.caption(_("The chosen token is not among those drawn: draw more of them to see it."))
    with list_:
        st.markdown(_("**Nearest by cosine**"))
        rows = [(each.token_id, words.texts[each.token_id], each.cosine) for each in near]
        _follow(neighbour_bars(rows, "space_neighbours", label=_("Nearest tokens by cosine")))
        st.caption(_("Cosine in all dimensions, 1 for the same direction. Choose one to go on from there."))
        with st.expander(_("As a table"), icon=":material/table:"):
            show_table(
                pd.DataFrame(
                    [(visible_token(t), i, round(c, 4), int(words.counts[i])) for i, t, c in rows],
                    columns=[N_("token"), N_("id"), N_("cosine"), N_("times in the text")],
                ),
                hide_index=True,
                width="stretch",
            )
    gathered, unseen = st.columns(2, gap="large")
    with gathered, shown_errors():
        _gathering(choice, words, n_tokens, colour)
    with unseen:
        _unseen(weights, words, checkpoint)


def _choose_token(choice: ModelChoice, words: Vocabulary) -> int:
    key = f"space_token:{choice.run_id}"
    options = words.ids.tolist()
    pending = st.session_state.pop(_PENDING, None)
    if pending in options:
        st.session_state[key] = pending
    preferred = next((i for i in options if words.texts[i] == " lion"), None)
    if preferred is None:
        preferred = next((i for i in options if embedding.form_of(words.texts[i]) == "word"), options[0])
    if st.session_state.get(key) not in options:
        st.session_state[key] = preferred
    return st.selectbox(
        _("Token"),
        options,
        format_func=lambda i: _(visible_token(words.texts[i])),
        key=key,
        persist_state="session",
        help=_("Type to search; or click a point or a neighbour. The most frequent tokens come first."),
    )


def _how(n_available: int) -> tuple[str, int, int]:
    left, right = st.columns([1.1, 1], gap="small")
    method = left.segmented_control(
        _("Projection"),
        [N_("PCA"), N_("t-SNE")],
        format_func=_,
        default="PCA",
        required=True,
        key="space_method",
        persist_state="session",
        help=_("PCA: the directions of largest spread. t-SNE: keeps near ones near; takes seconds the first time."),
    )
    n_dims = right.segmented_control(
        _("Dimensions"),
        [2, 3],
        default=2,
        required=True,
        format_func="{}-D".format,
        key="space_dims",
        persist_state="session",
        help=_("3-D can be turned with the mouse; points can be chosen in 2-D."),
    )
    n_tokens = st.select_slider(
        _("Tokens drawn"),
        [100, 200, 300, 400, 600, 900, 1200, 1500],
        600,
        key="space_n",
        persist_state="session",
        help=_(
            "The most frequent ones in the run's text. t-SNE draws at most {max_tsne}, or {max_tsne_2} in 3-D.",
            max_tsne=_(MAX_TSNE[2]),
            max_tsne_2=_(MAX_TSNE[3]),
        ),
    )
    most = MAX_TSNE[n_dims] if method == "t-SNE" else MAX_POINTS
    return method, n_dims, min(n_tokens, most, n_available)


def _follow(picked: int | None) -> None:
    """Make the token just clicked the chosen one."""
    if picked is not None:
        st.session_state[_PENDING] = picked
        st.rerun()


def _last_step(choice: ModelChoice) -> int:
    return max((c.step for c in lab().checkpoints(choice.run_id)), default=choice.step)


def _vocabulary(choice: ModelChoice) -> Vocabulary:
    last = ModelChoice(choice.run_id, _last_step(choice), choice.title)
    counts = computed(
        _("Counting the tokens of the run's text …"),
        token_use,
        model_named(last),
        settings_aside(),
        choice.run_id,
        COUNTED_CHARS,
    )
    return _sorted(last.key, str(lab().settings.home), counts, load(last).tokenizer)


@st.cache_resource(max_entries=12, show_spinner=False)
def _sorted(key: str, home: str, _counts: np.ndarray | None, _tokenizer: Tokenizer) -> Vocabulary:
    """`home` keeps the caches of different data folders apart."""
    if _counts is None:
        n = _tokenizer.n_vocab
        counts, ids, unseen = np.zeros(n, np.int64), np.arange(n), np.empty(0, np.int64)
    else:
        counts, order = _counts, np.argsort(-_counts, kind="stable")
        ids, unseen = order[counts[order] > 0], np.flatnonzero(counts == 0)
    ids = ids[:MAX_TOKENS]
    return Vocabulary(ids, counts, unseen, {int(i): token_text(_tokenizer, i) for i in ids}, _counts is not None)


def _places(
    choice: ModelChoice, words: Vocabulary, method: str, n_dims: int, n_tokens: int
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Coordinates (n, k) of the most frequent tokens at this checkpoint and at the run's last one, in one frame."""
    last = ModelChoice(choice.run_id, _last_step(choice), choice.title)
    ids = words.ids[:n_tokens]
    if method == "PCA":
        drawn, frame_of = tuple(ids.tolist()), model_named(last)
        calls = [Call(places_of, (each, frame_of, drawn, n_dims)) for each in (frame_of, model_named(choice))]
        (frame, _unused), (points, share) = all_computed(_("Projecting the tokens (PCA) …"), calls)
        return points, frame, share
    frame = _tsne(last, ids, n_dims, None)
    points = frame if choice.step == last.step else _tsne(choice, ids, n_dims, frame)
    return points, frame, None


def _tsne(choice: ModelChoice, ids: np.ndarray, n_dims: int, frame: np.ndarray | None) -> np.ndarray:
    places = None if frame is None else tuple(map(tuple, frame.tolist()))
    text = _("Arranging the tokens (t-SNE), some seconds …")
    return computed(text, arranged, model_named(choice), tuple(ids.tolist()), n_dims, places)


def _groups(words: Vocabulary, ids: list[int], colour: str) -> list[int]:
    rule = embedding.form_of if colour == next(iter(COLOURS)) else embedding.family_of
    names = COLOURS[colour]
    return [names.index(rule(words.texts[i])) for i in ids]


def _map_2d(
    points: np.ndarray,
    frame: np.ndarray,
    words: Vocabulary,
    colour: str,
    token_id: int,
    near: list[int],
    method: str,
) -> None:
    ids = words.ids[: len(points)].tolist()
    groups = _groups(words, ids, colour)
    both = np.concatenate([points, frame])  # one frame for all checkpoints, wide enough for this one
    low, high = both.min(axis=0), both.max(axis=0)
    _follow(
        embedding_map(
            [
                MapPoint(i, words.texts[i], x, y, group)
                for i, (x, y), group in zip(ids, points.tolist(), groups, strict=True)
            ],
            list(map(_, COLOURS[colour])),
            (low[0], high[0], low[1], high[1]),
            "space_map",
            selected=token_id,
            near=near,
            label=_(
                "Map of {n_ids} tokens by {method}. The list of neighbours beside it says the same in numbers.",
                n_ids=len(ids),
                method=method,
            ),
        )
    )


def _map_3d(points: np.ndarray, words: Vocabulary, colour: str, token_id: int, near: list[int], method: str) -> None:
    ids = words.ids[: len(points)].tolist()
    groups = np.array(_groups(words, ids, colour))
    # Plotly reads a little HTML in its texts: a token such as <b> has to arrive as itself.
    texts = [html.escape(visible_token(words.texts[i])) for i in ids]
    special = {token_id, *near[:3]}  # more names would cover each other
    figure = go.Figure()
    for index, name in enumerate(COLOURS[colour]):
        members = np.flatnonzero(groups == index)
        rest = index == len(COLOURS[colour]) - 1
        figure.add_trace(
            go.Scatter3d(
                x=points[members, 0],
                y=points[members, 1],
                z=points[members, 2],
                mode="markers",
                name=_(name),
                hovertext=[texts[m] for m in members],
                hoverinfo="text+name",
                marker={
                    "size": 2 if rest else 4.5,
                    "symbol": _PLOT_SHAPES[index],
                    "color": _PLOT_COLOURS[index],
                    "opacity": 0.7 if rest else 0.9,
                },
            )
        )
    marked = [m for m, i in enumerate(ids) if i in special]
    if marked:
        figure.add_trace(
            go.Scatter3d(
                x=points[marked, 0],
                y=points[marked, 1],
                z=points[marked, 2],
                mode="text",
                name=_("chosen and nearest"),
                text=[f"<b>{texts[m]}</b>" if ids[m] == token_id else texts[m] for m in marked],
                hoverinfo="skip",
                showlegend=False,
            )
        )
    names = [f"{method} {axis}" for axis in (1, 2, 3)]
    figure.update_layout(
        height=600,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
        scene={
            f"{axis}axis": {"title": {"text": name}, "showticklabels": False}
            for axis, name in zip("xyz", names, strict=True)
        },
        uirevision="space",  # keep the view while the checkpoint moves
    )
    st.plotly_chart(
        figure,
        key="space_plot",
        alt=_("Cloud of {n_ids} tokens in three dimensions by {method}.", n_ids=len(ids), method=method),
    )
    table = pd.DataFrame(points[:, :3], columns=names).assign(
        token=[visible_token(words.texts[i]) for i in ids], id=ids
    )
    show_save(_("Embedding space"), lambda: [page_of_plotly(figure), table_file(table)])


def _caption(choice: ModelChoice, method: str, n_dims: int, n: int, share: float | None) -> str:
    if method == "PCA":
        return _(
            "{n} most frequent tokens at step {step:,}, vectors scaled to length 1. The {n_dims} axes are those of "
            "the run's last checkpoint, for all its checkpoints: points move, the frame does not. They keep "
            "{share:.0%} of the variance here; the rest cannot be seen.",
            n=n,
            step=choice.step,
            n_dims=n_dims,
            share=share,
        )
    return _(
        "{n} most frequent tokens at step {step:,}. Each checkpoint's map starts from that of the last one and "
        "is turned to lie over it as well as it can (Procrustes).",
        n=n,
        step=choice.step,
    )


def _gathering(choice: ModelChoice, words: Vocabulary, n_tokens: int, colour: str) -> None:
    with st.expander(_("Do kinds of tokens gather?"), icon=":material/hub:"):
        shares = _shares(choice, words, n_tokens, colour)
        show_table(
            pd.DataFrame(shares, columns=[N_("kind"), N_("tokens"), N_("of own kind")]),
            hide_index=True,
            width="stretch",
            column_config={
                N_("of own kind"): st.column_config.ProgressColumn(
                    _("of the {n_nearest} nearest, of the same kind", n_nearest=N_NEAREST),
                    format="percent",
                    min_value=0,
                    max_value=1,
                )
            },
        )
        st.caption(
            _(
                "Measured in all dimensions, among the tokens drawn. Compare with the kind's share of them, which is "
                "what chance would give."
            )
        )


def _shares(choice: ModelChoice, words: Vocabulary, n: int, colour: str) -> list[tuple[str, int, float]]:
    ids = words.ids[:n].tolist()
    kinds = _groups(words, ids, colour)
    text = _("Comparing the tokens …")
    same = computed(text, own_kind_nearby, model_named(choice), tuple(ids), tuple(kinds), N_NEAREST)
    labels = np.array(kinds)
    return [
        (_(name), int((labels == k).sum()), float(same[labels == k].mean()))
        for k, name in enumerate(COLOURS[colour])
        if (labels == k).any()
    ]


def _unseen(weights: np.ndarray, words: Vocabulary, checkpoint: Checkpoint) -> None:
    if not words.counted:
        st.caption(_("The text of this run is not on this machine: its tokens are in the order of their ids."))
        return
    if len(words.unseen) < 2:
        return
    with st.expander(_("Tokens that never occur"), icon=":material/visibility_off:"):
        seen = np.setdiff1d(np.arange(len(words.counts)), words.unseen)
        columns = st.columns(3)
        columns[0].metric(
            _("Never seen"),
            _("{n_unseen:,} of {n_counts:,}", n_unseen=len(words.unseen), n_counts=len(words.counts)),
            help=_("Steps on the way to longer tokens, mostly: every place where they stood was merged further."),
        )
        lengths = [float(np.linalg.norm(weights[ids], axis=1).mean()) for ids in (seen, words.unseen)]
        columns[1].metric(
            _("Mean length, seen · unseen"),
            f"{number(lengths[0], '.2f')} · {number(lengths[1], '.2f')}",
            help=_("Of the tokens' vectors."),
        )
        alike = [_mean_cosine(weights[ids]) for ids in (seen, words.unseen)]
        columns[2].metric(
            _("Mean cosine, seen · unseen"),
            f"{number(alike[0], '.2f')} · {number(alike[1], '.2f')}",
            help=_("Between two tokens of the group."),
        )
        if checkpoint.model.config.tie_embeddings:
            st.markdown(
                _(
                    "This model's rows are also its outputs (tied embeddings): at each step every token that did *not* "
                    "come next is pushed away a little, so rows that never occur move too, all in one direction."
                )
            )
        else:
            st.markdown(_("Nothing ever reads these rows, so training leaves them as the noise they began as."))


def _mean_cosine(vectors: np.ndarray) -> float:
    """The mean over all pairs of different vectors, from the length of their sum."""
    n = len(vectors)
    if n < 2:
        return 0.0
    total = embedding.unit_rows(vectors).sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))
