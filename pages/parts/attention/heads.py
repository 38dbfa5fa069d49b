"""Part: what each head is for, measured: where it looks, what it is worth, and what happens without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.checkpoint import Checkpoint
from engine.gpt import Attention
from pages.parts.attention import effects
from pages.parts.attention.head import choose_head, chosen_head, head_name, set_head
from pages.parts.attention.maps import choose_model_and_sentence, overview
from pages.shared import guide
from pages.shared.charts import Figure, _distinct, _to_spec, grouped_bars, percent, visible_token
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.components.head_maps import HeadTile, head_maps
from pages.shared.draft import show_bytes
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, inference, load
from pages.shared.sentence import Sentence, traced

QUESTIONS = ("Where does it look?", "Induction test", "What is it worth?", "Switch heads off")
TEXTS = ("Your sentence", "Held-out text")
RANKS = ("Loss", "Next token")
MEASURES = (
    "the token just before",
    "the first token of the text",
    "the token itself",
    "earlier copies of the same token",
    "what followed the copy, in repeated random tokens",
)
SCORED_TOKENS = 1024
N_BARS = 8
MOST_BARS = 40


@dataclass(frozen=True)
class Chosen:
    """What the controls at the top of the part say."""

    choice: ModelChoice
    checkpoint: Checkpoint
    sentence: Sentence

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        config = self.checkpoint.model.config
        return config.n_layers, config.n_heads


def show() -> None:
    """Draw the part."""
    st.markdown(
        "What a head is for is a matter of measuring: where its attention goes on average, compared with a head that "
        "looks everywhere alike, and how much worse the model becomes when it is switched off."
    )
    found = choose_model_and_sentence()
    if found is None:
        return
    chosen = Chosen(*found)
    question = st.segmented_control(
        "Question",
        QUESTIONS,
        default=QUESTIONS[0],
        required=True,
        key="heads_question",
        persist_state="session",
        help="Four ways to find out what a head does.",
    )
    {
        QUESTIONS[0]: _where,
        QUESTIONS[1]: _induction,
        QUESTIONS[2]: _worth,
        QUESTIONS[3]: _switches,
    }[question](chosen)


def _where(chosen: Chosen) -> None:
    texts, threshold = st.columns([1, 1.6], gap="large")
    measured_on = texts.segmented_control(
        "Measured on",
        TEXTS,
        default=TEXTS[0],
        required=True,
        key="heads_text",
        persist_state="session",
        help="A sentence is short, so its scores depend on chance. The held-out text is the run's own, which it never "
        "trained on; for open weights it did not exist when they were trained.",
    )
    at_least = threshold.slider(
        "A label needs, above chance, at least",
        0.1,
        0.8,
        0.25,
        0.05,
        key="heads_at_least",
        persist_state="session",
        help="The share of the attention that chance leaves open and the habit takes. Below it a head is “mixed”.",
    )
    scores = _scores(chosen, measured_on)
    config = chosen.checkpoint.model.config
    entropy = overview(chosen.choice, chosen.sentence.ids).entropy
    labels = {place: scores.label(*place, at_least) for place in np.ndindex(*chosen.shape)}
    selected = chosen_head(config)
    guide.tell("head", {"place": selected, "label": labels[selected][0], "score": labels[selected][1]})
    grid, detail = st.columns([1.5, 1], gap="large")
    with grid:
        st.markdown("**Every head by its strongest habit**")
        head_maps(
            [
                HeadTile(*place, label, (f"{score:.2f}",), f"{head_name(*place).capitalize()}: {label}, {score:.2f}")
                for place, (label, score) in labels.items()
            ],
            key="heads_where",
            columns=config.n_heads,
            selected=selected,
            size="small" if len(labels) > 24 else "large",
            summary=f"{len(labels)} heads with their labels. Enter shows one in numbers.",
            on_click=lambda layer, head: set_head(config, layer, head),
        )
        st.caption(
            f"Layer · head; the number is the share of attention. {_counted(labels)} Click a head to compare it with "
            "chance."
        )
    with detail:
        _against_chance(scores, *selected)
        st.button(
            "Open its map",
            key="heads_open",
            on_click=_open_map,
            icon=":material/grid_on:",
            help="Shows this head in the part Maps.",
        )
    st.markdown("**The five habits, and what chance gives**")
    st.dataframe(
        _habits(scores), hide_index=True, width="stretch", column_config=_decimals("by chance", "highest score")
    )
    st.caption(
        "Each score is a mean over the positions where that place exists and is not the only one. The second token is "
        "left out for “first token”: there the first one is the previous one."
    )
    with st.expander("All heads as a table", icon=":material/table:"):
        damage = _known_damage(chosen)
        frame = pd.DataFrame(
            [
                (
                    place[0] + 1,
                    place[1] + 1,
                    label,
                    *map(float, scores.values[place]),
                    float(entropy[place]),
                    damage[place],
                )
                for place, (label, _) in labels.items()
            ],
            columns=["layer", "head", "label", *inspection.HEAD_LABELS, "entropy (bits)", "damage (nats)"],
        )
        decimals = _decimals(*inspection.HEAD_LABELS, "entropy (bits)", "damage (nats)")
        st.dataframe(frame, hide_index=True, width="stretch", column_config=decimals)
        st.caption(
            "Click a column's head to sort. Entropy is of your sentence. Damage is filled in by **What is it worth?**"
        )
    notice(
        "A short text flatters: where three tokens can be seen, looking everywhere alike already gives each a third. "
        "So what counts is the score beside the one by chance.",
        "Compare **Your sentence** with **Held-out text**. A habit that holds on a thousand tokens is one; one that is "
        "gone there was an accident of the sentence.",
        "Most heads of a small model are mixed. Clear habits grow with layers, data and training; move the checkpoint "
        "back to see them go.",
    )
    exercise(
        "In the example, heads 2 and 3 of layer 1 look from the second “ lion” straight at “ is”, which followed the "
        "first one. Are they induction heads?",
        "No. On random tokens that are repeated their induction score is that of chance: see **Induction test**. From "
        "“ lion” they look for a word like “ is”, wherever it stands. One sentence is not a measurement.",
    )
    show_code(inspection.head_scores, inspection.HeadScores)


def _scores(chosen: Chosen, measured_on: str) -> inspection.HeadScores:
    if measured_on == TEXTS[1]:
        windows = effects.text_windows(chosen.choice)
        if windows is not None:
            inputs = windows[0].numpy()
            rows = inputs[: max(1, SCORED_TOKENS // inputs.shape[1])]
            st.caption(f"{rows.size:,} tokens of held-out text, {rows.shape[1]} at a time.")
            return _text_scores(chosen.choice.key, rows.shape, rows, chosen.choice)
        st.info("There is no held-out text for this model here, so the scores are those of your sentence.")
    return overview(chosen.choice, chosen.sentence.ids).scores


@st.cache_resource(max_entries=12, show_spinner="Measuring on the held-out text …")
def _text_scores(key: str, shape: tuple[int, ...], _rows: np.ndarray, _choice: ModelChoice) -> inspection.HeadScores:
    with inference():
        return inspection.head_scores(load(_choice).model, _rows)


def _counted(labels: dict[tuple[int, ...], tuple[str, float]]) -> str:
    names = [label for label, _ in labels.values()]
    parts = [f"{names.count(name)} {name}" for name in (*inspection.HEAD_LABELS, "mixed") if name in names]
    return f"{len(names)} heads: {', '.join(parts)}."


def _against_chance(scores: inspection.HeadScores, layer: int, head: int) -> None:
    measured = [n for n in range(len(inspection.HEAD_LABELS)) if scores.counts[n]]
    rows = [
        (inspection.HEAD_LABELS[n], series, value, f"{value:.2f}")
        for n in measured
        for series, value in (
            ("this head", float(scores.values[layer, head, n])),
            ("by chance", float(scores.chance[n])),
        )
    ]
    if not rows:
        st.info("One token shows no habit: type a longer sentence.")
        return
    label, score = scores.label(layer, head, 0)
    grouped_bars(
        pd.DataFrame(rows, columns=["row", "series", "value", "shown"]),
        title=head_name(layer, head).capitalize(),
        rows_title="",
        value_title="Share of the attention",
        series_title="",
        alt_text="Bar chart: how much of its attention a head gives to each kind of place, beside chance.",
        summary=f"{head_name(layer, head).capitalize()} is furthest above chance at: {label} ({score:.2f}).",
    ).show()


def _open_map() -> None:
    st.session_state["part"] = "Maps"
    st.session_state["attention_view"] = "One head"


def _habits(scores: inspection.HeadScores) -> pd.DataFrame:
    rows = []
    for n, (name, meaning) in enumerate(zip(inspection.HEAD_LABELS, MEASURES, strict=True)):
        best = np.unravel_index(int(scores.values[..., n].argmax()), scores.values.shape[:2])
        measured = scores.counts[n] > 0
        rows.append(
            (
                name,
                meaning,
                int(scores.counts[n]),
                float(scores.chance[n]) if measured else None,
                float(scores.values[(*best, n)]) if measured else None,
                f"{best[0] + 1} · {best[1] + 1}" if measured else "",
            )
        )
    columns = ["habit", "share of the attention on", "positions", "by chance", "highest score", "layer · head"]
    return pd.DataFrame(rows, columns=columns)


def _decimals(*names: str) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.3f") for name in names}


def _known_damage(chosen: Chosen) -> np.ndarray:
    found = effects.on_text(chosen.choice) or effects.on_sentence(chosen.choice, chosen.sentence.ids)
    return found.damage(chosen.shape)


def _induction(chosen: Chosen) -> None:
    st.markdown(
        "Random tokens, then the same again. There is nothing to understand, so whoever predicts the second half well "
        "has found the copy and reads on from there: **induction**. An induction head looks from each token to the one "
        "*after* its copy, a stripe in the lower half of the map (Olsson et al. 2022)."
    )
    config = chosen.checkpoint.model.config
    row = inspection.repeated_row(config, seed=0)
    if not row:
        st.info(f"A context of {config.context_length} tokens has no room to repeat anything.")
        return
    number, which = st.columns([1, 2.6], gap="large")
    with which:
        layer, head = choose_head(config, wide=True)
    seed = number.number_input(
        "Random row",
        0,
        9_999,
        0,
        key="heads_seed",
        persist_state="session",
        help="Another number draws other tokens.",
    )
    ids, tokens, maps = _repeated(chosen.choice.key, int(seed), chosen.choice)
    half = len(ids) // 2
    queries = np.arange(half, 2 * half)
    shares = maps[:, :, queries, queries - half + 1].mean(-1)
    chance = float((1 / (queries + 1)).mean()) if config.causal else 1 / len(ids)
    best = np.unravel_index(int(shares.argmax()), shares.shape)
    attention_map(
        maps[layer, head],
        tokens,
        tokens,
        key="heads_repeated",
        row_ids=ids,
        column_ids=ids,
        causal=config.causal,
        summary=f"Attention map of {half} random tokens and their repetition, {head_name(layer, head)}.",
    )
    st.caption(
        f"{head_name(layer, head).capitalize()} gives {shares[layer, head]:.3f} of its attention to the token after "
        f"the copy, {half - 1} places back; by chance it would be {chance:.3f}. The highest score on this row is "
        f"{shares[best]:.3f}, by {head_name(int(best[0]), int(best[1]))}."
    )
    st.button(
        "Show the head with the highest score",
        key="heads_best",
        on_click=set_head,
        args=(config, int(best[0]), int(best[1])),
        help="Chooses that layer and head.",
    )
    with st.expander("All heads as a table", icon=":material/table:"):
        frame = pd.DataFrame(
            [(*place, float(shares[place]), float(shares[place]) / chance) for place in np.ndindex(*chosen.shape)],
            columns=["layer", "head", "induction", "times chance"],
        ).sort_values("induction", ascending=False)
        st.dataframe(frame, hide_index=True, width="stretch", column_config=_decimals("induction", "times chance"))
    notice(
        "No habit of the language can help here: the tokens were drawn blindly, so only their repetition is to be "
        "found.",
        "Induction takes two heads: one in an earlier layer that writes at each token what stood before it, and one in "
        "a later layer that looks for its own token there. A model of one layer cannot do it.",
        "If no head is much above chance, this model has not learned it yet, or never will at its size: an honest "
        "result, and the usual one for a model trained for a few minutes.",
    )
    exercise(
        "Why must the tokens be random? Would “The lion is in the forest. The lion is in the” not do?",
        "A model that knows the language expects “ forest” there without any copy to look at. On random tokens nothing "
        "but the repetition tells what comes next, so the score measures that alone.",
    )
    show_code(inspection.repeated_row, inspection.head_scores)


@st.cache_resource(max_entries=12, show_spinner="The model reads the repeated row …")
def _repeated(key: str, seed: int, _choice: ModelChoice) -> tuple[tuple[int, ...], tuple[str, ...], np.ndarray]:
    checkpoint = load(_choice)
    ids = inspection.repeated_row(checkpoint.model.config, seed=seed)
    with inference():
        maps = inspection.attention_maps(inspection.trace_of(checkpoint.model, ids)[0])
    tokenizer = checkpoint.tokenizer
    texts = [show_bytes(tokenizer.token_bytes(i)) if i < tokenizer.n_vocab else "(unused)" for i in ids]
    return tuple(ids), tuple(texts), maps


def _worth(chosen: Chosen) -> None:
    st.markdown(
        "Switch one head off and let the model read on without it. If the loss rises, the head was of use. The "
        "**damage** is that rise, in nats per token; the **shift** is how much probability moves from some next tokens "
        "to others after your sentence."
    )
    text = effects.on_text(chosen.choice)
    sentence = effects.on_sentence(chosen.choice, chosen.sentence.ids)
    if text is None:
        st.info("There is no held-out text for this model here: the loss is that of your own sentence.")
    parts = {"Held-out text": text} if text is not None else {}
    complete = effects.measure({**parts, "Your sentence": sentence}, f"heads_measuring:{chosen.choice.key}")
    loss = text or sentence
    if not loss.effects:
        return
    rank = st.segmented_control(
        "Ranked by",
        RANKS,
        default=RANKS[0],
        required=True,
        key="heads_rank",
        persist_state="session",
        help="The rise of the loss on the held-out text, or the shift of the token after your sentence.",
    )
    damage, shift = loss.damage(chosen.shape), sentence.shift(chosen.shape)
    values = damage if rank == RANKS[0] else 100 * shift
    scores = overview(chosen.choice, chosen.sentence.ids).scores
    _ranked(values, scores, rank, loss.base).show()
    if not complete:
        st.caption(f"{len(loss.effects)} of {loss.n_heads} heads have been measured.")
    with st.expander("As a table", icon=":material/table:"):
        frame = pd.DataFrame(
            [
                (*place, scores.label(*place)[0], damage[place], damage[place] / loss.base, shift[place])
                for place in np.ndindex(*chosen.shape)
            ],
            columns=["layer", "head", "label", "damage (nats per token)", "share of the loss", "shift"],
        )
        decimals = _decimals("damage (nats per token)", "share of the loss", "shift")
        st.dataframe(frame, hide_index=True, width="stretch", column_config=decimals)
    notice(
        "Damages do not add up: heads that do the same work are cheap to lose one at a time (Michel et al. 2019). In "
        "the example the four heads of layer 1 cost less than 0.5 nats in sum, and about 1.2 when all are off.",
        "A head can matter much for one sentence and little on average; compare both rankings.",
        "A bar to the left of zero means that the model does better without the head, on this much text.",
    )
    exercise(
        "Guess first: is the head with the clearest label also the one whose loss hurts most?",
        "Often not. A label says where a head looks; the damage says whether what it fetches there is needed. In the "
        "example the costliest head is mixed.",
    )
    show_code(inspection.head_effects, Attention.forward)


def _ranked(values: np.ndarray, scores: inspection.HeadScores, rank: str, base: float) -> Figure:
    places = [place for place in np.ndindex(*values.shape) if np.isfinite(values[place])]
    places.sort(key=lambda place: -values[place])
    places = places[:MOST_BARS]
    unit = "Rise of the loss (nats per token)" if rank == RANKS[0] else "Probability that moves (%)"
    data = pd.DataFrame(
        [
            (f"{layer + 1} · {head + 1}", float(values[layer, head]), scores.label(layer, head)[0], n)
            for n, (layer, head) in enumerate(places)
        ],
        columns=["head", "value", "label", "rank"],
    )
    data["shown"] = [f"{value:+.3f}" if rank == RANKS[0] else f"{value:.1f} %" for value in data["value"]]
    summary = "Nothing has been measured yet."
    if places:
        (layer, head), top = places[0], data["shown"][0]
        if rank == RANKS[0]:
            summary = (
                f"With all heads on the loss is {base:.3f} nats per token; without {head_name(layer, head)} it is "
                f"{base + data['value'][0]:.3f} ({top}), the largest rise."
            )
        else:
            summary = f"Without {head_name(layer, head)}, {top} of the probability goes to other tokens, the most."
        if values.size > MOST_BARS:
            summary += f" The {MOST_BARS} heads that matter most are shown."
    alt_text = "Bar chart: what changes when each head is switched off, the largest change first."
    return Figure(data, _ranked_spec(unit, len(data)), alt_text, summary)


@lru_cache(maxsize=64)
def _ranked_spec(unit: str, n_bars: int) -> dict[str, Any]:
    head = alt.Y(
        "head:N", title="Layer · head", sort=alt.EncodingSortField("rank", op="min"), axis=alt.Axis(labelLimit=90)
    )
    tips = [
        alt.Tooltip("head:N", title="Layer · head"),
        alt.Tooltip("label:N", title="Label"),
        alt.Tooltip("shown:N", title=unit),
    ]
    x = alt.X("value:Q", title=unit, axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(y=head)
    bars = base.mark_bar().encode(x, color=alt.value("orange"), tooltip=tips)
    text = alt.Text("caption:N")
    # Beside the bar, on its outer side whichever way it points.
    up = base.transform_filter("datum.value >= 0").transform_calculate(caption="datum.shown + '  ' + datum.label")
    down = base.transform_filter("datum.value < 0").transform_calculate(caption="datum.shown + '  ' + datum.label")
    right = up.mark_text(align="left", dx=5, fontSize=13).encode(x="value:Q", text=text, color=alt.value("gray"))
    at_zero = down.mark_text(align="left", dx=5, fontSize=13).encode(x=alt.datum(0), text=text, color=alt.value("gray"))
    return _to_spec(alt.layer(bars, right, at_zero), f"{unit} without each head", max(150, 26 * n_bars + 70))


def _switches(chosen: Chosen) -> None:
    st.markdown(
        "Each tile is a switch: a head that is off writes zeros where its result was, and everything after it reads on "
        "with what is left."
    )
    config = chosen.checkpoint.model.config
    key = f"heads_off:{config.n_layers}x{config.n_heads}"
    off: frozenset[tuple[int, int]] = st.session_state.get(key, frozenset())
    layer, head = choose_head(config, wide=True)
    every = frozenset(np.ndindex(config.n_layers, config.n_heads))

    def switch(heads: frozenset[tuple[int, int]]) -> None:
        st.session_state[key] = heads

    this = frozenset({(layer, head)})
    presets = {
        "All on": (frozenset(), "The model as it was trained."),
        "All off": (every, "No head of any layer: only embeddings and MLPs are left."),
        "Only this head off": (this, "The chosen layer and head, and no other."),
        "Only this head on": (every - this, "All others are switched off."),
        "This layer off": (frozenset(each for each in every if each[0] == layer), "All heads of the chosen layer."),
    }
    with st.container(horizontal=True, gap="small"):
        for name, (heads, why) in presets.items():
            st.button(name, key=f"heads_{name}", on_click=switch, args=(heads,), help=why)
    scores = overview(chosen.choice, chosen.sentence.ids).scores
    grid, result = st.columns([1, 1.2], gap="large")
    with grid:
        st.markdown(f"**Heads, {len(off)} of {len(every)} off**")
        head_maps(
            [_switch(scores, place, place in off) for place in np.ndindex(*chosen.shape)],
            key="heads_switches",
            columns=config.n_heads,
            selected=(layer, head),
            size="small" if len(every) > 24 else "large",
            summary=f"{len(every)} heads, {len(off)} of them off. Enter switches one.",
            on_click=lambda layer, head: switch(off ^ {(layer, head)}),
        )
        st.caption("Layer · head, with the label on your sentence. Click a tile to switch it.")
    with result:
        _before_and_after(chosen, off)
    notice(
        "One head off changes the bars a little, the whole of a layer much. The residual stream carries the rest: "
        "without any head the model still has its embeddings and MLPs, and predicts from the last token alone (and, "
        "with learned positions, from its place).",
        "The loss is measured on text, the bars on your sentence: they need not agree.",
    )
    exercise(
        "Switch all heads off. What does the model predict now, and does it depend on the words before the last token?",
        "It predicts what usually follows the last token, like a bigram table: attention is the only way for one "
        "position to learn of another. Change an earlier word, and the bars with all heads off stay the same.",
    )
    show_code(Attention.forward, inspection.loss_without)


def _switch(scores: inspection.HeadScores, place: tuple[int, int], off: bool) -> HeadTile:
    label, _ = scores.label(*place)
    now, then = ("off", "on") if off else ("on", "off")
    name = f"{head_name(*place).capitalize()}, {label}: {now}; press to switch it {then}"
    return HeadTile(*place, label, (), name, off=off)


def _before_and_after(chosen: Chosen, off: frozenset[tuple[int, int]]) -> None:
    before = _next_token(chosen, frozenset())
    after = _next_token(chosen, off)
    top = np.argsort(-np.maximum(before, after))[:N_BARS]
    tokenizer = chosen.checkpoint.tokenizer
    names = _distinct(
        [visible_token(show_bytes(tokenizer.token_bytes(int(i)))) if i < tokenizer.n_vocab else "(unused)" for i in top]
    )
    series = (("all heads on", before), ("with the switches", after))
    rows = [
        (name, label, float(p[i]), percent(float(p[i])))
        for name, i in zip(names, top, strict=True)
        for label, p in series
    ]
    first, then = (names[int(p[top].argmax())] for p in (before, after))
    says = f"Next token: {first} with all heads on, {then} with the switches."
    grouped_bars(
        pd.DataFrame(rows, columns=["row", "series", "value", "shown"]),
        title="The next token of your sentence",
        rows_title="Token (␣ is a space)",
        value_title="Probability",
        series_title="",
        alt_text="Bar chart: probability of the most probable next tokens with all heads on and with the switches.",
        summary=says,
    ).show(caption=False)
    st.text(says)
    moved = float(np.abs(after - before).sum()) / 2
    losses = [_loss(chosen, each) for each in (frozenset(), off)]
    with st.container(border=True):
        columns = st.columns(2)
        columns[0].metric("Probability that moved", percent(moved), help="Half the sum of all differences.")
        if None not in losses:
            columns[1].metric(
                "Loss (nats per token)",
                f"{losses[1]:.3f}",
                f"{losses[1] - losses[0]:+.3f}" if off else None,
                delta_color="inverse",
                help=f"On held-out text; {losses[0]:.3f} with all heads on.",
            )
    if None in losses:
        st.caption("There is no held-out text for this model here, so no loss is shown.")


def _next_token(chosen: Chosen, off: frozenset[tuple[int, int]]) -> np.ndarray:
    if not off:
        return _softmax(traced(chosen.choice, chosen.sentence.ids)[1][-1])
    return _without(chosen.choice.key, chosen.sentence.ids, tuple(sorted(off)), chosen.choice)


@st.cache_resource(max_entries=64, show_spinner=False)
def _without(key: str, ids: tuple[int, ...], off: tuple[tuple[int, int], ...], _choice: ModelChoice) -> np.ndarray:
    model = load(_choice).model
    with inference():
        return _softmax(inspection.trace_of(model, ids, head_scale=_scale(model.config, off))[1][-1])


def _loss(chosen: Chosen, off: frozenset[tuple[int, int]]) -> float | None:
    return _loss_of(chosen.choice.key, tuple(sorted(off)), chosen.choice)


@st.cache_resource(max_entries=256, show_spinner="Reading the held-out text …")
def _loss_of(key: str, off: tuple[tuple[int, int], ...], _choice: ModelChoice) -> float | None:
    windows = effects.text_windows(_choice)
    if windows is None:
        return None
    model = load(_choice).model
    with inference():
        return inspection.loss_without(model, *windows, _scale(model.config, off))


def _scale(config: Any, off: tuple[tuple[int, int], ...]) -> np.ndarray:
    scale = np.ones((config.n_layers, config.n_heads), dtype=np.float32)
    for place in off:
        scale[place] = 0
    return scale


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    probabilities: np.ndarray = exponentials / exponentials.sum()
    return probabilities
