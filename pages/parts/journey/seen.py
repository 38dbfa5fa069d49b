"""What a run's checkpoints said to one prompt, kept for everybody who watches: models come and go while it trains."""

from __future__ import annotations

import contextlib
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from engine.aside_worker import Call
from engine.checkpoint import Checkpoint
from engine.errors import EngineError
from engine.journey import Glance, Journey, follow_prompt, glance, glance_at
from engine.language import N_, _, cached_by_language
from engine.runs.records import CheckpointInfo, RunRecord
from engine.tokenizer import Tokenizer
from pages.shared.aside import so_far
from pages.shared.charts import Figure, _distinct, _to_spec, percent, visible_token
from pages.shared.draft import show_bytes
from pages.shared.models import ModelChoice, inference, load, model_named
from pages.shared.viewer import lab

MAX_GLANCES = 60
MAX_LINES = 5


@st.cache_resource(max_entries=24, show_spinner=N_("The model reads …"))
def _journey(key: str, ids: tuple[int, ...], _checkpoint: Checkpoint) -> Journey:
    with inference():
        return follow_prompt(_checkpoint.model, ids, _checkpoint.tokenizer.n_vocab)


def journey_of(choice: ModelChoice, ids: tuple[int, ...], info: CheckpointInfo) -> Journey:
    """The way of a prompt through a model, computed once for everybody.

    `info` tells models apart that a run had at the same step before and after it was started over.
    """
    return _journey(f"{choice.key}:{info.seconds}", ids, load(choice))


@st.cache_resource(max_entries=10, show_spinner=False)
def _seen(run_id: str, attempt: int, ids: tuple[int, ...]) -> dict[int, Glance | None]:
    return {}


def seen(record: RunRecord | None, choice: ModelChoice, ids: tuple[int, ...]) -> dict[int, Glance | None]:
    """Step → what was seen there (None: it could not be read). Shared by all sessions, also of models that are gone."""
    return _seen(choice.run_id, record.attempt if record and record.run_id == choice.run_id else 0, ids)


def remember(found: dict[int, Glance | None], journey: Journey, info: CheckpointInfo) -> Glance:
    """Keep what a journey came to, and return it; of very many checkpoints the oldest but the first go."""
    return _keep(found, glance(journey, info.step, info.validation_loss))


def _keep(found: dict[int, Glance | None], kept: Glance) -> Glance:
    found[kept.step] = kept
    while len(found) > MAX_GLANCES:
        found.pop(sorted(found)[1], None)
    return kept


def checkpoints_of(run_id: str) -> list[CheckpointInfo]:
    """The models of a run that are there now; none for a model without a run."""
    with contextlib.suppress(EngineError):
        return lab().checkpoints(run_id)
    return []


def look_at_missing(found: dict[int, Glance | None], run_id: str, ids: tuple[int, ...], title: str) -> bool:
    """Have the checkpoints read that were not seen yet, the newest first; whether there is anything new of them."""
    missing = [info for info in reversed(checkpoints_of(run_id)) if info.step not in found]
    try:
        calls = [_glance_call(ModelChoice(run_id, info.step, title), ids, info) for info in missing]
    except EngineError:  # the run was deleted meanwhile
        return False
    asked = so_far(calls)
    for info, each in zip(missing, asked, strict=True):
        if each.done:
            try:
                _keep(found, each.value())
            except EngineError:  # replaced by a newer one between the list and the look, or damaged
                found.setdefault(info.step, None)
    return any(each.done for each in asked)


def _glance_call(choice: ModelChoice, ids: tuple[int, ...], info: CheckpointInfo) -> Call:
    return Call(glance_at, (model_named(choice), ids, info.step, info.validation_loss))


def glances(found: dict[int, Glance | None]) -> list[Glance]:
    """What was seen, by step. A copy: other sessions may add to it meanwhile."""
    return [each for _unused, each in sorted(found.copy().items()) if each is not None]


def token_name(tokenizer: Tokenizer, token_id: int) -> str:
    """A token as a label: quoted, short, white space as symbols."""
    text = show_bytes(tokenizer.token_bytes(token_id))
    return visible_token(text if len(text) <= 24 else text[:23] + "…")


def what_changed(all_seen: list[Glance], step: int, tokenizer: Tokenizer) -> str:
    """One sentence: the likeliest token here, against the checkpoint before."""
    here = next((each for each in all_seen if each.step == step), None)
    before = next((each for each in reversed(all_seen) if each.step < step), None)
    if here is None:
        return ""
    now = percent(float(here.probabilities[here.first]))
    if before is None:
        return _(
            "At step {step:,} the likeliest next token is {token_name} with {now}.",
            step=step,
            token_name=token_name(tokenizer, here.first),
            now=now,
        )
    then = percent(float(before.probabilities[here.first]))
    if before.first == here.first:
        return _(
            "Since step {step:,}: {token_name} stays first, {then} → {now}.",
            step=before.step,
            token_name=token_name(tokenizer, here.first),
            then=then,
            now=now,
        )
    old = f"{token_name(tokenizer, before.first)} ({percent(float(before.probabilities[before.first]))})"
    return _(
        "Since step {step:,}: the first place went from {old} to {token_name} ({then} → {now}).",
        step=before.step,
        old=old,
        token_name=token_name(tokenizer, here.first),
        then=then,
        now=now,
    )


def lines_of(all_seen: list[Glance]) -> list[int]:
    """The tokens worth a line: those that were first at some checkpoint, in that order; at most the last five."""
    firsts = list(dict.fromkeys(each.first for each in all_seen))
    if len(firsts) > MAX_LINES:
        peaks = {i: max(float(each.probabilities[i]) for each in all_seen) for i in firsts}
        kept = sorted(firsts, key=lambda i: -peaks[i])[:MAX_LINES]
        firsts = [i for i in firsts if i in kept]
    return firsts


def as_table(all_seen: list[Glance], tokenizer: Tokenizer) -> pd.DataFrame:
    """One row a checkpoint: loss, entropy, the likeliest token, and the probability of each token that has a line."""
    ids = lines_of(all_seen)
    names = _distinct([token_name(tokenizer, i) for i in ids])
    return pd.DataFrame(
        [
            {
                "step": each.step,
                N_("validation loss (nats)"): each.validation_loss,
                N_("entropy (bits)"): each.entropy,
                N_("likeliest"): token_name(tokenizer, each.first),
                **{name: 100 * float(each.probabilities[i]) for name, i in zip(names, ids, strict=True)},
            }
            for each in all_seen
        ]
    )


def over_training(all_seen: list[Glance], step: int, tokenizer: Tokenizer) -> Figure:
    """Lines of the tokens that were ever likeliest, over the checkpoints; the one that is shown is marked."""
    ids = lines_of(all_seen)
    names = _distinct([token_name(tokenizer, i) for i in ids])
    steps = np.array([each.step for each in all_seen], dtype=float)
    columns: dict[str, list[Any]] = {"layer": [], "step": [], "probability": [], "token": [], "order": []}
    for order, (token_id, name) in enumerate(zip(ids, names, strict=True)):
        columns["layer"] += ["token"] * len(steps)
        columns["step"] += steps.tolist()
        columns["probability"] += [float(each.probabilities[token_id]) for each in all_seen]
        columns["token"] += [name] * len(steps)
        columns["order"] += [order] * len(steps)
    columns["layer"].append("here")
    columns["step"].append(float(step))
    columns["probability"].append(None)
    columns["token"].append(names[0] if names else "")
    columns["order"].append(0)
    data = pd.DataFrame(columns).astype({"probability": "float64"})
    first, last = all_seen[0], all_seen[-1]
    summary = _(
        "{n_all_seen} checkpoint{ending} so far: the model is as unsure as among "
        "{entropy:,.1f} equal tokens at step {step:,}, {entropy_2:,.1f} at step {step_2:,}.",
        n_all_seen=len(all_seen),
        ending="s" if len(all_seen) > 1 else "",
        entropy=2**first.entropy,
        step=first.step,
        entropy_2=2**last.entropy,
        step_2=last.step,
    )
    return Figure(
        data, _spec(), _("Line chart: probability of the likeliest next tokens at every checkpoint."), summary
    )


@cached_by_language(maxsize=1)
def _spec() -> dict[str, Any]:
    x = alt.X(
        "step:Q",
        title=_("Training step (square-root scale)"),
        scale=alt.Scale(type="sqrt", nice=False),
        axis=alt.Axis(tickCount=6, format=",d"),
    )
    y = alt.Y(
        "probability:Q",
        title=_("Probability"),
        scale=alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(format="~%", tickCount=4),
    )
    order = alt.EncodingSortField("order", op="min", order="ascending")
    legend = alt.Legend(orient="top", columns=3, labelLimit=150, title=None)
    colour = alt.Color(
        "token:N", sort=order, legend=legend, scale=alt.Scale(range=["blue", "orange", "green", "violet", "red"])
    )
    shape = alt.Shape(
        "token:N",
        sort=order,
        legend=legend,
        scale=alt.Scale(range=["circle", "square", "triangle-up", "diamond", "cross"]),
    )
    base = alt.Chart()
    tokens = base.transform_filter("datum.layer == 'token'")
    lines = tokens.mark_line(strokeWidth=2).encode(x, y, colour)
    dots = tokens.mark_point(size=55, filled=True, opacity=1).encode(
        x,
        y,
        colour,
        shape,
        tooltip=[
            alt.Tooltip("token:N", title=_("Token")),
            alt.Tooltip("step:Q", title=_("Step"), format=",d"),
            alt.Tooltip("probability:Q", title=_("Probability"), format=".2%"),
        ],
    )
    here = (
        base.transform_filter("datum.layer == 'here'")
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, aria=False)
        .encode(x=x, color=alt.value("gray"))
    )
    return _to_spec(alt.layer(here, lines, dots), _("What comes next, checkpoint by checkpoint"), 250)
