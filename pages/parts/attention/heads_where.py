"""Where each head looks, beside one that looks everywhere alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.errors import EngineError
from engine.head_questions import habits_on
from engine.language import N_, _, number
from pages.parts.attention import effects
from pages.parts.attention.chosen_heads import Chosen, three_decimals
from pages.parts.attention.head import chosen_head, head_name, set_head
from pages.parts.attention.maps import overview
from pages.shared import guide
from pages.shared.aside import computed
from pages.shared.charts import grouped_bars
from pages.shared.code_panel import show_code
from pages.shared.components.head_maps import HeadTile, head_maps
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import model_named
from pages.shared.tables import show_table
from pages.shared.wording import slider_form

TEXTS = (N_("Your sentence"), N_("Held-out text"))
MEASURES = (
    N_("the token just before"),
    N_("the first token of the text"),
    N_("the token itself"),
    N_("earlier copies of the same token"),
    N_("what followed the copy, in repeated random tokens"),
)
SCORED_TOKENS = 1024


def show_where(chosen: Chosen) -> None:
    """Draw the view."""
    texts, threshold = st.columns([1, 1.6], gap="large")
    measured_on = texts.segmented_control(
        _("Measured on"),
        TEXTS,
        format_func=_,
        default=TEXTS[0],
        required=True,
        key="heads_text",
        persist_state="session",
        help=_(
            "A sentence is short, so its scores depend on chance. The held-out text is the run's own, which it never "
            "trained on; for open weights it did not exist when they were trained."
        ),
    )
    at_least = threshold.slider(
        _("A label needs, above chance, at least"),
        0.1,
        0.8,
        0.25,
        0.05,
        format=slider_form(),
        key="heads_at_least",
        persist_state="session",
        help=_("The share of the attention that chance leaves open and the habit takes. Below it a head is “mixed”."),
    )
    with shown_errors():
        _measured(chosen, measured_on, at_least)
    notice(
        _(
            "A short text flatters: where three tokens can be seen, looking everywhere alike already gives each a "
            "third. So what counts is the score beside the one by chance."
        ),
        _(
            "Compare **Your sentence** with **Held-out text**. A habit that holds on a thousand tokens is one; one "
            "that is gone there was an accident of the sentence."
        ),
        _(
            "Most heads of a small model are mixed. Clear habits grow with layers, data and training; move the "
            "checkpoint back to see them go."
        ),
    )
    exercise(
        _(
            "In the foundation model head 4 of layer 3 looks from the second “ lion” straight at “ is”, which followed "
            "the first one. Is it an induction head?"
        ),
        _(
            "No. On random tokens that are repeated its induction score is that of chance: see **Induction test**. It "
            "may look for a word like “ is”, wherever that stands. One sentence is not a measurement."
        ),
    )
    show_code(inspection.head_scores, inspection.HeadScores)


def _measured(chosen: Chosen, measured_on: str, at_least: float) -> None:
    scores = _scores(chosen, measured_on)
    config = chosen.checkpoint.model.config
    entropy = overview(chosen.choice, chosen.sentence.ids).entropy
    labels = {place: scores.label(*place, at_least) for place in np.ndindex(*chosen.shape)}
    selected = chosen_head(config)
    guide.tell("head", {"place": selected, "label": labels[selected][0], "score": labels[selected][1]})
    grid, detail = st.columns([1.5, 1], gap="large")
    with grid:
        st.markdown(_("**Every head by its strongest habit**"))
        head_maps(
            [
                HeadTile(
                    *place,
                    label,
                    (number(score, ".2f"),),
                    f"{head_name(*place).capitalize()}: {_(label)}, {number(score, '.2f')}",
                )
                for place, (label, score) in labels.items()
            ],
            key="heads_where",
            columns=config.n_heads,
            selected=selected,
            size="small" if len(labels) > 24 else "large",
            summary=_("{n_labels} heads with their labels. Enter shows one in numbers.", n_labels=len(labels)),
            on_click=lambda layer, head: set_head(config, layer, head),
        )
        st.caption(
            _(
                "Layer · head; the number is the share of attention. {counted} Click a head to compare it with chance.",
                counted=_counted(labels),
            )
        )
    with detail:
        _against_chance(scores, *selected)
        st.button(
            _("Open its map"),
            key="heads_open",
            on_click=_open_map,
            icon=":material/grid_on:",
            help=_("Shows this head in the part Maps."),
        )
    st.markdown(_("**The five habits, and what chance gives**"))
    show_table(
        _habits(scores),
        hide_index=True,
        width="stretch",
        column_config=three_decimals(N_("by chance"), N_("highest score")),
    )
    st.caption(
        _(
            "Each score is a mean over the positions where that place exists and is not the only one. The second token "
            "is left out for “first token”: there the first one is the previous one."
        )
    )
    with st.expander(_("All heads as a table"), icon=":material/table:"):
        damage = _known_damage(chosen)
        frame = pd.DataFrame(
            [
                (
                    place[0] + 1,
                    place[1] + 1,
                    _(label),
                    *map(float, scores.values[place]),
                    float(entropy[place]),
                    damage[place],
                )
                for place, (label, _unused) in labels.items()
            ],
            columns=[N_("layer"), N_("head"), N_("label"), *inspection.HEAD_LABELS, "entropy (bits)", "damage (nats)"],
        )
        decimals = three_decimals(*inspection.HEAD_LABELS, N_("entropy (bits)"), N_("damage (nats)"))
        show_table(frame, hide_index=True, width="stretch", column_config=decimals)
        st.caption(
            _(
                "Click a column's head to sort. Entropy is of your sentence. Damage is filled in by **What is it "
                "worth?**"
            )
        )


def _scores(chosen: Chosen, measured_on: str) -> inspection.HeadScores:
    if measured_on == TEXTS[1]:
        try:
            held_out = effects.text_named(chosen.choice)
            scores, (rows, length) = computed(
                _("Measuring on the held-out text …"), habits_on, model_named(chosen.choice), held_out, SCORED_TOKENS
            )
        except EngineError:
            st.info(_("There is no held-out text for this model here, so the scores are those of your sentence."))
        else:
            st.caption(_("{size:,} tokens of held-out text, {shape} at a time.", size=rows * length, shape=length))
            return scores
    return overview(chosen.choice, chosen.sentence.ids).scores


def _counted(labels: dict[tuple[int, ...], tuple[str, float]]) -> str:
    names = [label for label, _unused in labels.values()]
    parts = [f"{names.count(name)} {_(name)}" for name in (*inspection.HEAD_LABELS, "mixed") if name in names]
    return _("{n_names} heads: {join}.", n_names=len(names), join=", ".join(parts))


def _against_chance(scores: inspection.HeadScores, layer: int, head: int) -> None:
    measured = [n for n in range(len(inspection.HEAD_LABELS)) if scores.counts[n]]
    rows = [
        (_(inspection.HEAD_LABELS[n]), series, value, number(value, ".2f"))
        for n in measured
        for series, value in (
            (_("this head"), float(scores.values[layer, head, n])),
            (_("by chance"), float(scores.chance[n])),
        )
    ]
    if not rows:
        st.info(_("One token shows no habit: type a longer sentence."))
        return
    label, score = scores.label(layer, head, 0)
    grouped_bars(
        pd.DataFrame(rows, columns=["row", "series", "value", "shown"]),
        title=head_name(layer, head).capitalize(),
        rows_title="",
        value_title=_("Share of the attention"),
        series_title="",
        alt_text=_("Bar chart: how much of its attention a head gives to each kind of place, beside chance."),
        summary=_(
            "{capitalize} is furthest above chance at: {label} ({score:.2f}).",
            capitalize=head_name(layer, head).capitalize(),
            label=_(label),
            score=score,
        ),
    ).show()


def _open_map() -> None:
    st.session_state["part"] = N_("Maps")
    st.session_state["attention_view"] = N_("One head")


def _habits(scores: inspection.HeadScores) -> pd.DataFrame:
    rows = []
    for n, (name, meaning) in enumerate(zip(inspection.HEAD_LABELS, MEASURES, strict=True)):
        best = np.unravel_index(int(scores.values[..., n].argmax()), scores.values.shape[:2])
        measured = scores.counts[n] > 0
        rows.append(
            (
                _(name),
                _(meaning),
                int(scores.counts[n]),
                float(scores.chance[n]) if measured else None,
                float(scores.values[(*best, n)]) if measured else None,
                f"{best[0] + 1} · {best[1] + 1}" if measured else "",
            )
        )
    columns = [
        N_("habit"),
        N_("share of the attention on"),
        N_("positions"),
        N_("by chance"),
        N_("highest score"),
        N_("layer · head"),
    ]
    return pd.DataFrame(rows, columns=columns)


def _known_damage(chosen: Chosen) -> np.ndarray:
    on_text = effects.found_of(effects.on_text(chosen.choice))
    found = on_text if on_text.heads else effects.found_of(effects.on_sentence(chosen.choice, chosen.sentence.ids))
    return found.damage(chosen.shape)
