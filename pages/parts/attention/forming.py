"""Part: the same head at every checkpoint of a run, from before the first step to the end."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from engine import inspection
from engine.aside_worker import Call
from engine.errors import EngineError
from engine.head_questions import HeadMoment, heads_reading
from engine.inspection import HEAD_LABELS
from engine.language import N_, _
from engine.runs.records import CheckpointInfo
from pages.parts.attention.figures import over_training
from pages.parts.attention.head import choose_head, head_name
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.components.map_series import SmallMap, map_series
from pages.shared.errors import shown_errors
from pages.shared.examples import example_run
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, load, model_named
from pages.shared.sentence import Sentence, choose_sentence
from pages.shared.tables import show_table
from pages.shared.viewer import lab

MOST = 24
_PENDING = "forming_pending"
_LOCKED = "forming_locked"


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A head begins as chance: its first map is made by random weights. Move the **Checkpoint** slider, or "
            "choose a small map, and watch one head find its place while the loss falls."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        _follow_choice()
        choice = choose_model()
        if choice is None:
            return
        sentence = choose_sentence(choice, most=MOST)
        if sentence is None:
            return
        config = load(choice).model.config
        layer, head = choose_head(config)
    found = _checkpoints(choice)
    with figure, shown_errors():
        steps = list(dict.fromkeys([*(info.step for info in found), choice.step]))
        moments = _moments(choice, steps, sentence)
        _large(sentence, moments[choice.step], layer, head, choice, causal=config.causal)
        if len(moments) < 2:
            _only_one(choice)
        else:
            _series(choice, found, moments, layer, head)
            _charts(choice, found, moments, layer, head, causal=config.causal)
    notice(
        _(
            "Before training a head looks at all it may see almost alike: the entropy is near its limit, and no habit "
            "stands out."
        ),
        _(
            "Habits come at different times. Looking at the token before, or at oneself, needs only positions and "
            "comes first; finding an earlier copy of a token needs heads that work together."
        ),
        _("The steps are drawn wide at the beginning because most of it happens there, like the fall of the loss."),
    )
    exercise(
        _(
            "Find the head of this model whose entropy falls most. At which checkpoint does it change most, and what "
            "does the validation loss do there?"
        ),
        _(
            "Compare the dashed mark in the three charts: a head that takes a habit often does so where the loss falls "
            "fastest. That they happen together is no proof that one causes the other; switching the head off is the "
            "test, in the part on what a head does."
        ),
    )
    show_code(inspection.attention_maps, inspection.attention_entropy, inspection.head_scores)


def _follow_choice() -> None:
    """Move the slider to the small map that was chosen; it has to be done before the slider is drawn."""
    pending = st.session_state.pop(_PENDING, None)
    if pending is not None:
        run_id, step = pending
        st.session_state[f"checkpoint:{run_id}"] = step


def _checkpoints(choice: ModelChoice) -> list[CheckpointInfo]:
    """Those of the run; none for a model that no run stands behind."""
    try:
        return lab().checkpoints(choice.run_id)
    except EngineError:
        return []


def _moments(choice: ModelChoice, steps: list[int], sentence: Sentence) -> dict[int, HeadMoment]:
    models = [model_named(ModelChoice(choice.run_id, step, choice.title)) for step in steps]
    calls = [Call(heads_reading, (model, sentence.ids)) for model in models]
    return dict(zip(steps, all_computed(_("Reading the sentence at every checkpoint …"), calls), strict=True))


def _large(sentence: Sentence, moment: HeadMoment, layer: int, head: int, choice: ModelChoice, *, causal: bool) -> None:
    weights = moment.maps[layer, head]
    locked = st.session_state.get(_LOCKED)
    label, score = moment.habits.label(layer, head)
    does = (
        _("no habit of it stands out from chance")
        if label == "mixed"
        else _("its habit is “{label}” ({score:.2f})", label=label, score=score)
    )
    summary = _(
        "{capitalize} at step {step:,}: entropy {entropy:.2f} bits; {does}.",
        capitalize=head_name(layer, head).capitalize(),
        step=choice.step,
        entropy=moment.entropy[layer, head],
        does=does,
    )
    attention_map(
        weights,
        sentence.tokens,
        sentence.tokens,
        key="forming_map",
        row_ids=sentence.ids,
        column_ids=sentence.ids,
        locked=locked if isinstance(locked, int) else None,
        causal=causal,
        summary=summary,
        on_click=_lock,
    )
    st.caption(summary)


def _lock(row: int) -> None:
    st.session_state[_LOCKED] = None if st.session_state.get(_LOCKED) == row else row


def _only_one(choice: ModelChoice) -> None:
    st.info(
        _("This model is kept at one moment only, so there is nothing to compare. A run of one's own keeps several.")
    )
    example = example_run()
    if example is not None and example != choice.run_id:
        st.button(
            _("Look at the example run"),
            icon=":material/history:",
            key="forming_example",
            on_click=_open,
            args=(example,),
            help=_("The trained model that ships with the course, at five moments of its training."),
        )


def _open(run_id: str) -> None:
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id


def _series(
    choice: ModelChoice, found: list[CheckpointInfo], moments: dict[int, HeadMoment], layer: int, head: int
) -> None:
    st.markdown(
        _(
            "**{capitalize} at every checkpoint** · weak weights brought out (√)",
            capitalize=head_name(layer, head).capitalize(),
        )
    )
    maps = [
        SmallMap(
            moments[info.step].maps[layer, head],
            _("step {step:,}", step=info.step),
            _("no loss yet")
            if info.validation_loss is None
            else _("loss {validation_loss:.2f}", validation_loss=info.validation_loss),
        )
        for info in found
    ]
    steps = [info.step for info in found]
    map_series(
        maps,
        key="forming_series",
        chosen=steps.index(choice.step) if choice.step in steps else len(steps) - 1,
        label=_("The map of this head at every checkpoint; choosing one moves the checkpoint slider"),
        on_click=partial(_choose_step, choice.run_id, steps),
    )


def _choose_step(run_id: str, steps: list[int], index: int) -> None:
    st.session_state[_PENDING] = (run_id, steps[index])


def _charts(
    choice: ModelChoice,
    found: list[CheckpointInfo],
    moments: dict[int, HeadMoment],
    layer: int,
    head: int,
    *,
    causal: bool,
) -> None:
    steps = [info.step for info in found]
    last = moments[steps[-1]].scores[layer, head]
    habits = {
        name: [(step, float(moments[step].scores[layer, head, index])) for step in steps]
        for index, name in enumerate(HEAD_LABELS)
    }
    best = int(last.argmax())
    first = moments[steps[0]].scores[layer, head, best]
    chance = moments[steps[-1]].habits.chance[best]
    summary = _(
        "The strongest habit at the end is “{head_labels}”: it went from {first:.2f} to {last:.2f} ",
        head_labels=_(HEAD_LABELS[best]),
        first=first,
        last=last[best],
    )
    summary += _("(by chance {chance:.2f}).", chance=chance)
    over_training(
        habits,
        title=_("What the head looks at"),
        y=_("share of its attention"),
        at=choice.step,
        until=steps[-1],
        height=300,
        summary=summary,
    ).show()
    entropies = [(step, float(moments[step].entropy[layer, head])) for step in steps]
    n_tokens = moments[steps[0]].maps.shape[-1]
    seen = np.arange(1, n_tokens + 1) if causal else np.full(n_tokens, n_tokens)
    limit = float(np.log2(seen).mean())
    left, right = st.columns(2)
    with left:
        over_training(
            {"entropy": entropies},
            title=_("Entropy of its rows"),
            y="bits",
            at=choice.step,
            until=steps[-1],
            level=limit,
            summary=_(
                "From {value:.2f} to {value_2:.2f} bits; the dotted line, {limit:.2f}, is a "
                "head that looks everywhere alike.",
                value=entropies[0][1],
                value_2=entropies[-1][1],
                limit=limit,
            ),
        ).show()
    losses = _losses(choice)
    with right:
        if losses:
            over_training(
                {N_("validation loss"): losses},
                title=_("Validation loss of the model"),
                y=_("nats per token"),
                at=choice.step,
                until=steps[-1],
                summary=_(
                    "From {value:.2f} to {value_2:.2f} nats per token by step {value_3:,}.",
                    value=losses[0][1],
                    value_2=losses[-1][1],
                    value_3=losses[-1][0],
                ),
            ).show()
    with st.expander(_("As a table"), icon=":material/table_rows:"):
        table = pd.DataFrame(moments[step].scores[layer, head] for step in steps)
        table.columns = list(HEAD_LABELS)
        table.insert(0, N_("step"), steps)
        table["entropy (bits)"] = [value for _unused, value in entropies]
        table["validation loss"] = [info.validation_loss for info in found]
        show_table(table, hide_index=True, width="stretch")


def _losses(choice: ModelChoice) -> list[tuple[int, float]]:
    try:
        return [(p["step"], p["validation_loss"]) for p in lab().curve(choice.run_id, 2).evaluations]
    except EngineError:
        return []
