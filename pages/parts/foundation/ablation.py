"""Part: take a source away from the training text, and see which ability goes with it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import foundation, probes
from engine.errors import EngineError, StoreUnavailable
from engine.foundation import ABLATION_SIZES, ABLATION_WEIGHTS, ablation_pair
from engine.language import N_, _, number
from engine.probes import ABILITIES, Difference, ProbeResult, difference
from engine.runs.config import RunConfig
from engine.runs.records import RunRecord
from pages.parts.foundation.figures import ability_scores, score_rows
from pages.parts.foundation.scoring import (
    BY_NAME,
    calls_of_all,
    choose_count,
    lists_of,
    percent,
    results_of_all,
    verdict_words,
)
from pages.shared import address, charts
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.models import ModelChoice, model_named
from pages.shared.run_data import run_name, view
from pages.shared.run_panel import LOOK_AGAIN_SECONDS, REFRESH_SECONDS, show_controls, show_status
from pages.shared.tables import show_table
from pages.shared.text_source import corpora, english_title, source_title
from pages.shared.viewer import lab
from pages.shared.wording import begin, inside

LEVEL = 0.05 / len(ABILITIES)
"""One comparison for each ability: together they are wrong by luck at most once in twenty times (Bonferroni)."""


def show() -> None:
    """The part "Ablation"."""
    st.markdown(
        _(
            "Where does an ability come from? Train the recipe twice at small scale, once with all its texts and once "
            "**without one of them**, everything else the same, and ask both for the same things."
        )
    )
    pair = _choose_pair()
    figure = st.container()  # the words below it are there while it is computed
    notice(
        _(
            "Only one thing differs between the two runs, so what differs between the models comes from it. That is "
            "all an ablation is; published ones differ in size, not in idea."
        ),
        _(
            "The text that is left out makes room: the other run reads more of everything else. So it may even be "
            "better at something."
        ),
        _(
            "Abilities that both models lack say nothing. In a few minutes a small model does not get far enough for "
            "questions on stories, with or without the phrasebook."
        ),
        _(
            "One pair has one seed. A difference beyond luck over the items may still be luck of the training: that "
            "takes pairs with other seeds."
        ),
    )
    exercise(
        _("Before you train: which abilities will a model without the **stories** lose? Then try it."),
        _(
            "Those whose items are stories: completion, summary, question answering, acceptability of a story's "
            "sentence. Translation stays, since the phrasebook is still read, and even more of it."
        ),
    )
    show_code(foundation.ablation_pair, probes.difference)
    if pair is not None:
        with figure, shown_errors():
            _pair(*pair)


def _corpus_title(name: str) -> str:
    return english_title(name)


def _size_title(name: str) -> str:
    return ABLATION_SIZES[name].title[:]


def _choose_pair() -> tuple[RunConfig, RunConfig, str] | None:
    """The two runs and the source that is left out; None, with the reason, where there is too little text."""
    known = corpora()
    weights = {name: share for name, share in ABLATION_WEIGHTS.items() if name in known and known[name].available}
    bound = address.bind("without", weights, _corpus_title)
    without = st.segmented_control(
        _("Leave out"),
        list(weights),
        default="phrasebook",
        required=True,
        format_func=source_title,
        key="without",
        bind=bound,
        help=_("The text that the second run does not read. Its share goes to the others."),
    )
    address.keep("without", without, "phrasebook", _corpus_title)
    bound = address.bind("ablation-size", ABLATION_SIZES, _size_title)
    size = st.segmented_control(
        _("Time"),
        list(ABLATION_SIZES),
        default="medium",
        required=True,
        format_func=lambda name: _(ABLATION_SIZES[name].title),
        key="ablation-size",
        bind=bound,
        help=_("On one core that has little else to do. Longer runs show more abilities."),
    )
    address.keep("ablation-size", size, "medium", _size_title)
    seed = st.number_input(
        _("Seed"),
        0,
        9999,
        0,
        key="ablation-seed",
        width=200,
        bind="query-params",
        help=_("Weights, mixture and order of the windows follow from it, in both runs alike."),
    )
    try:
        return *ablation_pair(size, without=without, weights=weights, seed=int(seed)), without
    except EngineError as error:
        st.warning(sentence(error))
        return None


def _pair(whole: RunConfig, ablated: RunConfig, without: str) -> None:
    ids = (whole.run_id, ablated.run_id)
    there = {record.run_id: record for record in lab().runs()}
    found = [there[run_id] for run_id in ids if run_id in there]
    if len(found) < 2:
        _order(whole, ablated, without)
        return
    live = any(record.live for record in found)
    kept_current(_panel, every=REFRESH_SECONDS if live else LOOK_AGAIN_SECONDS)(ids, without, live)
    if not live:
        _compare(found, without)


def _order(whole: RunConfig, ablated: RunConfig, without: str) -> None:
    title = source_title(without)
    show_table(_shares(whole, ablated), hide_index=True, width="stretch")
    model, steps = whole.model, whole.training.steps or 0
    st.caption(
        _(
            "Both: {n_layers} layers of {n_heads} heads, width {d_model}, context "
            "{context_length}, {n_parameters:.2f} M parameters, {steps:,} steps of "
            "{batch_size:,} tokens.",
            n_layers=model.n_layers,
            n_heads=model.n_heads,
            d_model=model.d_model,
            context_length=model.context_length,
            n_parameters=model.n_parameters / 1e6,
            steps=steps,
            batch_size=whole.training.batch_size * model.context_length,
        )
    )
    if st.button(
        _("Train both"),
        type="primary",
        icon=":material/play_arrow:",
        key="ablation-train",
        help=_("Starts the two runs, or goes on with those that somebody has begun with exactly these settings."),
    ):
        try:
            lab().submit(whole, _("Small recipe · all texts"))
            lab().submit(ablated, _("Small recipe · without {title}", title=title))
        except EngineError as error:
            st.error(sentence(error))
        else:
            st.rerun()


def _shares(whole: RunConfig, ablated: RunConfig) -> pd.DataFrame:
    left = dict(ablated.corpora)
    rows = [
        (source_title(name), number(share, ".0%"), number(left[name], ".0%") if name in left else "–")
        for name, share in sorted(whole.corpora, key=lambda pair: -pair[1])
    ]
    return pd.DataFrame(rows, columns=[N_("Text"), N_("Share in the first run"), N_("Share in the second run")])


def _names(without: str) -> tuple[str, str]:
    return _("all texts"), _("without {source_title}", source_title=source_title(without))


def _panel(ids: Sequence[str], without: str, was_live: bool) -> None:
    try:
        records = [lab().run(run_id) for run_id in ids]
    except StoreUnavailable:
        raise
    except EngineError:
        st.rerun()  # deleted by somebody
    for place, record, name in zip(st.columns(2, gap="large"), records, _names(without), strict=True):
        with place:
            st.markdown(f"**{begin(name)}**")
            show_status(record)
            show_controls(record, view(record, run_name(record)).marks)
    _curves(records, without)
    if was_live != any(record.live for record in records):
        st.rerun()


def _curves(records: Sequence[RunRecord], without: str) -> None:
    """The loss of both runs on a text that both read: that of all texts together is not of the same texts."""
    shared = "phrasebook" if without == "stories" else "stories"
    parts = []
    for record, name in zip(records, _names(without), strict=True):
        sources = view(record, run_name(record)).sources
        parts.append(sources[sources["run"] == english_title(shared)].assign(run=name))
    losses = pd.concat(parts)
    if losses.empty:
        st.caption(_("The curves begin with the first evaluation."))
        return
    title = _("Validation loss on {shared}, which both read", shared=source_title(shared))
    charts.small_line(losses, "bits_per_byte", title, _("bits per byte"), points=True).show(caption=False)
    newest = [part.iloc[-1] for part in parts if len(part)]
    words = ", ".join(
        _(
            "{run} {bits_per_byte:.2f} at step {int:,}",
            run=row["run"],
            bits_per_byte=row["bits_per_byte"],
            int=int(row["step"]),
        )
        for row in newest
    )
    st.caption(_("Bits per byte on held-out text: {words}.", words=words))


def _compare(records: Sequence[RunRecord], without: str) -> None:
    checkpoints = [lab().checkpoints(record.run_id) for record in records]
    if not all(infos and infos[-1].step for infos in checkpoints):
        st.info(_("The abilities can be compared when both runs have a trained model: start or resume them."))
        return
    names = _names(without)
    choices = [
        ModelChoice(record.run_id, infos[-1].step, name)
        for record, infos, name in zip(records, checkpoints, names, strict=True)
    ]
    if choices[0].step != choices[1].step:
        st.warning(
            _(
                "The runs stand at steps {step:,} and {step_2:,}: what differs may come from that.",
                step=choices[0].step,
                step_2=choices[1].step,
            )
        )
    st.header(_("What was lost, and what not"), anchor=False)
    n = choose_count("ablation-n", 60)
    lists = lists_of(n)
    first, second = results_of_all(lists, [calls_of_all(model_named(choice), lists) for choice in choices])
    found = {name: difference(items, first[name], second[name]) for name, items in lists.items()}
    rows = pd.concat([score_rows(first, names[0]), score_rows(second, names[1])])
    ability_scores(
        rows, title=_("Both models on the same items"), summary=summarise(first, second, found, without)
    ).show()
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(_table(first, second, found), hide_index=True, width="stretch")
        st.caption(
            _(
                "p: the exact sign test on the items that only one of the two has right. Below {level:.4f}, which is "
                "0.05 over {n_abilities} comparisons, a difference is called more than luck.",
                level=LEVEL,
                n_abilities=len(ABILITIES),
            )
        )


def summarise(
    first: dict[str, ProbeResult], second: dict[str, ProbeResult], found: dict[str, Difference], without: str
) -> str:
    """What the second model lost beyond luck, gained, and has as before."""
    groups: dict[str, list[str]] = {"lost": [], "gained": [], "no difference": []}
    for name, each in found.items():
        verdict, ability = each.verdict(LEVEL), BY_NAME[name]
        text = inside(ability.title)
        if verdict != "no difference":
            text += f" ({percent(first[name].accuracy)} → {percent(second[name].accuracy)}"
            if verdict == "lost":
                text += _(", which {is_}", is_=_is(second[name], ability.chance))
            text += ")"
        groups[verdict].append(text)
    parts = [
        _(
            "Without {source_title} the model lost {value}.",
            source_title=source_title(without),
            value=", ".join(groups["lost"]) or _("nothing beyond luck"),
        )
    ]
    if groups["gained"]:
        parts.append(_("It gained {join}.", join=", ".join(groups["gained"])))
    if groups["no difference"]:
        parts.append(_("No difference beyond luck: {join}.", join=", ".join(groups["no difference"])))
    return " ".join(parts)


def _is(result: ProbeResult, chance: float) -> str:
    words = verdict_words(result, chance)
    return words if result.verdict(chance) == "no better than chance" else _("is {words}", words=words)


def _table(first: dict[str, ProbeResult], second: dict[str, ProbeResult], found: dict[str, Difference]) -> pd.DataFrame:
    def score(result: ProbeResult) -> str:
        return _(
            "{accuracy} ({low} to {high})",
            accuracy=percent(result.accuracy),
            low=percent(result.low),
            high=percent(result.high),
        )

    rows = [
        (
            _(BY_NAME[name].title),
            percent(BY_NAME[name].chance),
            score(first[name]),
            score(second[name]),
            number(100 * each.change, "+.0f"),
            number(each.p, ".2g"),
            _(each.verdict(LEVEL)),
        )
        for name, each in found.items()
    ]
    columns = [_("Ability"), _("Chance"), _("All texts"), _("Without it"), _("Change (points)"), "p", _("Verdict")]
    return pd.DataFrame(rows, columns=columns)
