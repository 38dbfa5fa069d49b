"""Part: how much better the fine-tuned model answers what was held out, and what it has forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine import answers
from engine.answers import Improvement, relative_improvement, says_fact, wilson_interval
from engine.aside_worker import Call
from engine.errors import EngineError
from engine.events import Answer
from engine.instructions import Question
from engine.language import N_, _, number
from engine.runs.instructing import InstructionConfig
from engine.runs.questions_asked import source_losses
from pages.parts.instructions.asking import answer_calls, groups_of, joined
from pages.parts.instructions.source import base_named, choose_tuned, config_of
from pages.shared import charts
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named, settings_aside
from pages.shared.tables import show_table
from pages.shared.text_source import source_title
from pages.shared.viewer import lab
from pages.shared.wording import begin

_FORGETTING_TOKENS = 4_096
_GROUP_HEIGHT, _FRAME_HEIGHT = 56, 130
"""Pixels of two bars, one over the other, with their labels; and of what stands around all of them."""


@dataclass(frozen=True)
class Scored:
    """The answers of one model to one group, and the mean loss of the references in nats per token."""

    answers: list[Answer]
    loss: float

    @property
    def exact(self) -> float:
        """Share of exact matches."""
        return sum(answer.right for answer in self.answers) / max(1, len(self.answers))

    @property
    def overlap(self) -> float:
        """Mean ROUGE-L."""
        return sum(answer.rouge_l for answer in self.answers) / max(1, len(self.answers))

    @property
    def said(self) -> float | None:
        """Share of answers that say the fact, where there are facts."""
        with_fact = [answer for answer in self.answers if answer.fact]
        if not with_fact:
            return None
        return sum(says_fact(answer.text, answer.fact) for answer in with_fact) / len(with_fact)


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Both models answer the same held-out questions. Whether the difference is more than luck, an interval "
            "says; what it cost, the loss on the text of pretraining says."
        )
    )
    choice = choose_tuned()
    if choice is not None:
        groups = groups_of(choice)
        largest = max(len(group) for group in groups.values())
        n = st.select_slider(
            _("Questions of each kind"),
            sorted({each for each in (20, 40, 100, 200, largest) if each <= largest}),
            min(40, largest),
            format_func=_,
            key=f"score-n:{choice.run_id}",
            help=_(
                "More questions, narrower intervals, and some seconds more: the pretrained model never stops by "
                "itself. What was computed once is kept for everybody."
            ),
        )
        with shown_errors():
            before, after = _scores(choice, groups, n)
            if before and all(each.answers for each in (*before.values(), *after.values())):
                _table(before, after)
                _relative(before, after)
                _why(after)
        _forgetting(choice)
    notice(
        _(
            "The interval matters more than the number: with forty questions a share of 90 % may be anything from 77 % "
            "to 96 %."
        ),
        _(
            "A relative improvement needs a base that is not zero. Where the pretrained model has no exact match at "
            "all, *how many per cent better* has no answer; ROUGE-L, which is never quite zero, gives one, and it is "
            "huge."
        ),
        _(
            "In the lectures, SK Telecom reports answers that are 35 % better after fine-tuning, as marked by people. "
            "Ask of each such number: by which score, on how many questions, and better than what?"
        ),
    )
    exercise(
        _(
            "Look at the questions about what was never told. Why is the exact match there zero, although the loss of "
            "the references fell?"
        ),
        _(
            "The model has learned the form: all words of the reference but the fact itself are now likely, so the "
            "mean loss falls. The fact is nowhere in the training pairs, so it cannot be in the weights."
        ),
    )
    show_code(answers.relative_improvement, answers.wilson_interval, answers.rouge_l)


def _scores(
    choice: ModelChoice, groups: dict[str, tuple[Question, ...]], n: int
) -> tuple[dict[str, Scored], dict[str, Scored]]:
    calls = {
        (place, group): answer_calls(choice, group, min(n, len(questions)), base=place == 0)
        for group, questions in groups.items()
        for place in (0, 1)
    }
    all_computed(_("Answering …"), [call for each in calls.values() for call in each])
    found: tuple[dict[str, Scored], dict[str, Scored]] = ({}, {})
    for (place, group), each in calls.items():
        found[place][group] = Scored(*joined(all_computed(_("Answering …"), each)))
    return found


def _table(before: dict[str, Scored], after: dict[str, Scored]) -> None:
    rows, bars = [], []
    for group in before:
        for title, scored in ((N_("pretrained"), before[group]), (N_("fine-tuned"), after[group])):
            n = len(scored.answers)
            low, high = wilson_interval(round(scored.exact * n), n)
            said = scored.said
            rows.append(
                {
                    N_("Held out"): _(group),
                    N_("Model"): _(title),
                    N_("Questions"): n,
                    N_("Exact match"): _(
                        "{exact:.1%} ({low:.0%} to {high:.0%})", exact=scored.exact, low=low, high=high
                    ),
                    N_("Says the fact"): "–" if said is None else number(said, ".1%"),
                    "ROUGE-L": number(scored.overlap, ".2f"),
                    N_("Loss of the references"): number(scored.loss, ".2f"),
                }
            )
            value = scored.exact if said is None else said
            bars.append({"row": _(group), "series": _(title), "value": 100 * value, "shown": number(value, ".1%")})
    facts = all(scored.said is not None for scored in after.values())
    what = _("Answers that say the fact") if facts else _("Exact matches")
    first = next(iter(before))
    charts.grouped_bars(
        pd.DataFrame(bars),
        title=what,
        rows_title=_("Held out"),
        value_title=_("% of the questions"),
        series_title=_("Model"),
        alt_text=_("Bar chart: right answers of both models for each kind of held-out question."),
        summary=_(
            "{capitalize}: {shown} before fine-tuning, {shown_2} after.",
            capitalize=begin(first),
            shown=bars[0]["shown"],
            shown_2=bars[1]["shown"],
        ),
        height=_GROUP_HEIGHT * len(before) + _FRAME_HEIGHT,
    ).show()
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")
    st.caption(
        _(
            "Exact match with its 95 % interval (Wilson). The loss is in nats per token of the reference answers, fed "
            "to the model."
        )
    )


def _relative(before: dict[str, Scored], after: dict[str, Scored]) -> None:
    group = next(iter(before))
    n = min(len(before[group].answers), len(after[group].answers))
    for title, score in ((_("exact match"), _right), ("ROUGE-L", _overlap)):
        found = relative_improvement(score(before[group].answers[:n]), score(after[group].answers[:n]))
        st.markdown(f"- {_sentence(title, found)}")


def _right(found: Sequence[Answer]) -> list[float]:
    return [float(answer.right) for answer in found]


def _overlap(found: Sequence[Answer]) -> list[float]:
    return [answer.rouge_l for answer in found]


def _sentence(title: str, found: Improvement) -> str:
    means = _("from {before:.2f} to {after:.2f} on {n} questions", before=found.before, after=found.after, n=found.n)
    if found.relative is None or found.low is None or found.high is None:
        return _(
            "**{title}** went {means}: from nothing, so no relative improvement can be stated.",
            title=title,
            means=means,
        )
    direction = _("better") if found.relative >= 0 else _("worse")
    sure = "" if found.low > 0 or found.high < 0 else _(" The interval holds zero: it may be luck.")
    return _(
        "**{title}** went {means}: **{relative:,.0%} {direction}** (95 % interval of the relative change "
        "{low:+,.0%} to {high:+,.0%}, paired bootstrap).{sure}",
        title=title,
        means=means,
        relative=abs(found.relative),
        direction=direction,
        low=found.low,
        high=found.high,
        sure=sure,
    )


def _why(after: dict[str, Scored]) -> None:
    never = next((name for name in after if "never" in name), None)
    if never is None:
        return
    share = after[never].said if after[never].said is not None else after[never].exact
    st.info(
        _(
            "Of {never} the model says {value:.1%} right. That is as it must be: their facts stand in no text that it "
            "has read, so it can only make them up. Knowledge comes from training text, or from the prompt; "
            "fine-tuning on other facts does not bring it.",
            never=never,
            value=share or 0,
        )
    )


def _forgetting(choice: ModelChoice) -> None:
    st.header(_("What it has forgotten"), anchor=False)
    config = config_of(choice)
    origin = lab().run_of_model(config.base)
    if origin is None:
        st.caption(_("The run that this model was pretrained in is gone, and its validation text with it."))
        return
    if not st.toggle(
        _("Measure the loss on the text of pretraining"),
        False,
        key="score-forgetting",
        persist_state="session",
        help=_("Held-out text of every source, before and after fine-tuning. Some seconds the first time."),
    ):
        return
    with shown_errors():
        _forgotten(choice, config, origin[0])


def _forgotten(choice: ModelChoice, config: InstructionConfig, origin: str) -> None:
    models = (base_named(config), model_named(choice))
    calls = [Call(source_losses, (model, settings_aside(), origin, _FORGETTING_TOKENS)) for model in models]
    try:
        before, after = all_computed(_("Measuring the loss on the text of pretraining …"), calls)
    except EngineError as error:
        st.warning(sentence(error))
        return
    rows = []
    for name in before:
        for series, losses in ((_("before"), before), (_("after"), after)):
            rows.append(
                {
                    "row": source_title(name),
                    "series": series,
                    "value": losses[name],
                    "shown": number(losses[name], ".2f"),
                }
            )
    worst = max(before, key=lambda name: after[name] - before[name])
    charts.grouped_bars(
        pd.DataFrame(rows),
        title=_("Loss on the text of pretraining"),
        rows_title=_("Source"),
        value_title=_("Nats per token"),
        series_title=_("Fine-tuning"),
        alt_text=_("Bar chart: loss on held-out text of each source before and after fine-tuning."),
        summary=_(
            "{source_title} suffered most: {before:.2f} nats per token before, {after:.2f} after.",
            source_title=source_title(worst),
            before=before[worst],
            after=after[worst],
        ),
        height=_GROUP_HEIGHT * len(before) + _FRAME_HEIGHT,
    ).show()
    st.caption(
        _(
            "Weights that learn one thing are the weights that held another: *catastrophic forgetting* (McCloskey and "
            "Cohen 1989). Fewer steps, a lower rate or LoRA keep more; so does a share of the old text among the new."
        )
    )
