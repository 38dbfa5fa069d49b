"""Part: two runs that differ in the mask only, and why the one with the lower loss cannot write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import attention_steps, inspection
from engine.aside_worker import Call
from engine.corpus import list_corpora
from engine.errors import EngineError
from engine.generation import Reader
from engine.gpt import Attention
from engine.head_questions import position_losses
from engine.language import N_, _, retold
from engine.runs.config import RunConfig
from engine.runs.known_words import known_share
from engine.runs.recipes import recipe_config
from engine.runs.records import RunRecord
from pages.parts.attention.figures import by_position
from pages.parts.attention.head import head_name
from pages.shared import charts
from pages.shared.aside import all_computed
from pages.shared.code_panel import show_code
from pages.shared.components.attention_map import attention_map
from pages.shared.errors import sentence as error_sentence
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.models import ModelChoice, held_out_named, model_named, settings_aside
from pages.shared.quantities import estimate
from pages.shared.run_data import RunView, view
from pages.shared.run_panel import BASELINE_NAMES, LOOK_AGAIN_SECONDS, REFRESH_SECONDS, STATES
from pages.shared.sentence import choose_sentence, traced
from pages.shared.viewer import lab
from pages.shared.wording import begin, inside

STEPS = 240
MOST = 24
WRITTEN, WRITTEN_TOKENS = 4, 60  # texts, and tokens in each, for judging what a model writes
NAMES = {True: N_("with the mask"), False: N_("without the mask")}
TEXTS = ("stories", "shakespeare", "bbc-news")
_LOSS_QUESTION = N_("Which one will have the lower validation loss?")
_TEXT_QUESTION = N_("Which one will write the better text?")


@dataclass(frozen=True)
class Pair:
    """The two configs, by whether the model is causal."""

    configs: dict[bool, RunConfig]

    def records(self) -> dict[bool, RunRecord]:
        """Those that exist on this server, started here or by anybody else: a run is found by what it computes."""
        found = {}
        for causal, config in self.configs.items():
            try:
                found[causal] = lab().run(config.run_id)
            except EngineError:
                continue
        return found


def pair_of(text: str) -> Pair:
    """Two runs of the same text, shape, seed and batches; one sees only the past, the other everything."""
    budget = {"steps": STEPS, "seconds": None, "evaluations": 12}
    return Pair(
        {causal: recipe_config("30s", text, model={"causal": causal}, training=budget) for causal in (True, False)}
    )


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "The mask hides from each token what comes after it. What if it were left out, so that the model could see "
            "the whole text? Train two models that differ in nothing else: same text, same shape, same seed, same "
            "batches."
        )
    )
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        pair = pair_of(_choose_text())
        _what_is_trained(pair.configs[True])
        records = pair.records()
        answers = _questions()
        _train_button(pair, records)
    with figure:
        if records:
            live = any(record.live for record in records.values())
            done = len(records) == 2 and all(record.state == "finished" for record in records.values())
            every = REFRESH_SECONDS if live else None if done else LOOK_AGAIN_SECONDS
            state = tuple((causal, record.state) for causal, record in records.items())
            kept_current(_panel, every=every)(pair, state)
        else:
            done = False
            st.info(
                _(
                    "Nothing is trained yet. Answer the two questions, then press **Train both**: the curves and the "
                    "samples appear here while the models learn, and the explanation at the end."
                )
            )
    if done:
        with shown_errors():
            _reveal(pair, records, answers)
        _look_inside(pair)
    _notice(records[False].validation_loss if done else None)
    exercise(
        _(
            "A model without a causal mask can be trained to something useful all the same. What would you have to "
            "change in the task?"
        ),
        _(
            "Take the answer out of the input: replace some tokens by a blank and ask only for those. That is BERT's "
            "masked language modelling (Devlin et al. 2019). It reads in both directions, fits classifying and "
            "searching, but does not write from left to right."
        ),
    )
    show_code(Attention.forward, attention_steps.loss_by_position, attention_steps.attention_ahead, Reader.read)


def _notice(unmasked: float | None) -> None:
    if unmasked is None:
        notice(
            _("Both runs read the same batches in the same order: whatever differs comes from the mask."),
            _("Compare each model's loss with what it writes. Do they tell the same story?"),
        )
        return
    notice(
        _(
            "Without the mask the loss fell to {unmasked:.2f} nats, a perplexity of {exp:.1f}: no reader "
            "could guess the next token that well. A number that is too good is a reason to look for what leaked.",
            unmasked=unmasked,
            exp=np.exp(unmasked),
        ),
        _(
            "Its samples get no better while its loss falls: the loss is measured with the answer in sight, the "
            "samples are written without it."
        ),
        _(
            "With the mask, one window of T tokens is T honest exercises at once. That is why a decoder can learn from "
            "every position of every text, in parallel."
        ),
    )


def _choose_text() -> str:
    available = {info.name: info.title for info in list_corpora() if info.available and info.name in TEXTS}
    texts = [name for name in TEXTS if name in available]
    return st.selectbox(
        _("Text"),
        texts,
        format_func=lambda each: _(available[each]),
        key="causal_text",
        persist_state="session",
        help=_("What both models read. The stories are the easiest to judge: every sentence of theirs can be checked."),
    )


def _what_is_trained(config: RunConfig) -> None:
    model, training = config.model, config.training
    st.caption(
        _(
            "Each: {n_layers} layers of {n_heads} heads, d = {d_model}, context {context_length}, "
            "{vocab_size:,} tokens, {steps:,} steps of {batch_size} windows, seed {seed}.",
            n_layers=model.n_layers,
            n_heads=model.n_heads,
            d_model=model.d_model,
            context_length=model.context_length,
            vocab_size=config.vocab_size,
            steps=training.steps,
            batch_size=training.batch_size,
            seed=config.seed,
        )
    )


def _train_button(pair: Pair, records: dict[bool, RunRecord]) -> None:
    missing = [causal for causal in (True, False) if causal not in records]
    resting = [causal for causal, record in records.items() if record.state in ("paused", "failed", "interrupted")]
    if not missing and not resting:
        return
    label = _("Train both (about 1 minute)") if len(missing) == 2 else _("Train the other") if missing else _("Go on")
    if st.button(
        _(label),
        type="primary",
        icon=":material/play_arrow:",
        key="causal_train",
        width="stretch",
        help=_(
            "Two runs like those of the Pretraining page. Who asks for the same shares them; you can leave this page."
        ),
    ):
        try:
            for causal in (*missing, *resting):
                lab().submit(pair.configs[causal], f"{pair.configs[causal].corpora[0][0].title()} {_(NAMES[causal])}")
        except EngineError as error:
            st.error(error_sentence(error))
        else:
            st.rerun()


def _questions() -> dict[str, bool | None]:
    """What the learner predicts: True for the model with the mask; None while not answered."""
    with st.container(border=True):
        st.markdown(_("**Predict first**"))
        answers = {}
        for key, question in (("causal_loss", _LOSS_QUESTION), ("causal_writes", _TEXT_QUESTION)):
            answers[key] = st.radio(
                _(question),
                [True, False],
                index=None,
                format_func=lambda each: _(NAMES[each]),
                key=key,
                persist_state="session",
                help=_("Your answer is compared with what is measured once both runs have finished."),
            )
    return answers


# --- the live panel -------------------------------------------------------------------------------------------


def _panel(pair: Pair, was: tuple[tuple[bool, str], ...]) -> None:
    records = pair.records()
    views = {causal: view(record, _(NAMES[causal])) for causal, record in records.items()}
    for column, (causal, record) in zip(st.columns(2), records.items(), strict=False):
        with column:
            _progress(record, NAMES[causal])
    problem = lab().server_problem() if any(record.live for record in records.values()) else ""
    if problem:
        st.warning(problem)
    points = pd.concat([each.losses for each in views.values()], ignore_index=True)
    if points.empty:
        st.info(_("The curves begin with the first step."))
    else:
        measured = [each.baselines for each in views.values() if each.baselines]
        levels = {_(BASELINE_NAMES[name]): measured[0][name] for name in ("uniform", "trigram")} if measured else {}
        charts.loss_curves(points, baselines=levels).show(caption=False)
        st.caption(_loss_sentence(views))
    _samples(views)
    if tuple((causal, record.state) for causal, record in records.items()) != was:
        st.rerun()


def _progress(record: RunRecord, name: str) -> None:
    icon, word = STATES[record.state]
    line = f"{icon} **{begin(name)}** · {inside(word)}"
    if record.state == "queued":
        line += _(", number {value} in the queue", value=lab().queue_position(record.run_id) or 1)
    elif record.total_steps:
        line += _(" · step {step:,} of {total_steps:,}", step=record.step, total_steps=record.total_steps)
    elif record.note:
        line += f" · {retold(record.note)}"
    eta = lab().eta_seconds(record.run_id) if record.live else None
    if eta is not None:
        line += _(" · about {eta} left", eta=estimate(eta))
    st.progress(record.progress, text=line)
    if record.error:
        st.error(error_sentence(record.error))
    with st.container(horizontal=True):
        if record.state in ("queued", "running"):
            _button(record, "pause", _("Pause"), ":material/pause:", _("Save, and give the core to somebody else."))
        if record.state in ("paused", "failed", "interrupted"):
            _button(
                record, "resume", _("Resume"), ":material/play_arrow:", _("Go on from the last checkpoint, exactly.")
            )
        if record.state in ("queued", "running", "paused", "failed", "interrupted") and record.step > 0:
            _button(record, "stop", _("Stop"), ":material/stop:", _("End here and keep the model as it is now."))


def _button(record: RunRecord, kind: str, label: str, icon: str, help: str) -> None:
    st.button(
        _(label),
        icon=icon,
        key=f"causal_{kind}:{record.run_id}",
        on_click=_request,
        args=(record.run_id, kind),
        help=_(help),
    )


def _request(run_id: str, kind: str) -> None:
    try:
        lab().request(run_id, kind)
    except EngineError as error:
        st.toast(error_sentence(error), icon=":material/info:")


def _loss_sentence(views: dict[bool, RunView]) -> str:
    parts = [
        _(
            "{validation_loss:.2f} nats per token {names} (perplexity {perplexity:,.2f}) at step {step:,}",
            validation_loss=each.evaluation["validation_loss"],
            names=_(NAMES[causal]),
            perplexity=each.evaluation["perplexity"],
            step=each.evaluation["step"],
        )
        for causal, each in views.items()
        if each.evaluation
    ]
    return (
        _("Validation loss: {join}.", join="; ".join(parts))
        if parts
        else _("No validation loss has been measured yet.")
    )


def _samples(views: dict[bool, RunView]) -> None:
    by_step = {causal: {s["step"]: s for s in each.samples} for causal, each in views.items()}
    if not any(by_step.values()):
        st.caption(_("The first samples come with the first evaluation."))
        return
    st.header(_("What they write after the same words"), anchor=False)
    shared = sorted(set.intersection(*(set(samples) for samples in by_step.values())))
    step = None  # the newest of each
    if len(shared) > 1 and not any(each.record.live for each in views.values()):
        step = st.select_slider(
            _("Step"),
            shared,
            shared[-1],
            format_func=_,
            key=f"causal_step:{min(each.record.run_id for each in views.values())}:{len(shared)}",
            help=_("Back through the training: what each model wrote at this step, with the same dice."),
        )
    for column, (causal, samples) in zip(st.columns(2), by_step.items(), strict=False):
        with column, st.container(border=True):
            if samples:
                _sample(samples[max(samples) if step is None else step], NAMES[causal])
            else:
                st.caption(_("Nothing yet {names}.", names=_(NAMES[causal])))


def _sample(sample: dict[str, Any], name: str) -> None:
    st.markdown(_("**{capitalize}** · step {step:,}", capitalize=name.capitalize(), step=sample["step"]))
    st.text(f"{sample['prompt']}{sample['text']}")
    bars = pd.DataFrame([{"token": c["text"], "probability": c["probability"]} for c in sample["candidates"]])
    charts.next_token_bars(bars.head(6), title=_("Next token after the prompt")).show()


# --- when both have finished ----------------------------------------------------------------------------------


def _choice(record: RunRecord) -> ModelChoice:
    checkpoints = lab().checkpoints(record.run_id)
    return ModelChoice(record.run_id, checkpoints[-1].step if checkpoints else record.step, record.label)


def _reveal(pair: Pair, records: dict[bool, RunRecord], answers: dict[str, bool | None]) -> None:
    st.header(_("What came of your predictions"), anchor=False)
    if None in answers.values():
        st.info(_("Answer both questions on the left; then what was measured is set beside it, with the reason."))
        return
    losses = {causal: record.validation_loss or float("nan") for causal, record in records.items()}
    lower = min(losses, key=losses.__getitem__)
    calls = [_triples_call(record) for record in records.values()]
    known = dict(zip(records, all_computed(_("Letting the models write …"), calls), strict=True))
    better = max(known, key=known.__getitem__)
    verdicts = (
        (
            _LOSS_QUESTION,
            answers["causal_loss"] == lower,
            _(
                "{capitalize}: {losses:.2f} against {losses_2:.2f} nats per token.",
                capitalize=begin(NAMES[lower]),
                losses=losses[lower],
                losses_2=losses[not lower],
            ),
        ),
        (
            _TEXT_QUESTION,
            answers["causal_writes"] == better,
            _(
                "{capitalize}: {known:.0%} of the three-word sequences it writes occur in the "
                "text it learned from; for the other it is {known_2:.0%}.",
                capitalize=begin(NAMES[better]),
                known=known[better],
                known_2=known[not better],
            ),
        ),
    )
    for question, right, measured in verdicts:
        icon = ":material/check_circle:" if right else ":material/cancel:"
        st.markdown(
            _(
                "{icon} **{question}** You were {ending}. {measured}",
                icon=icon,
                question=question,
                ending=_("right") if right else _("wrong"),
                measured=measured,
            )
        )
    st.markdown(
        _(
            "**Why.** The target of position *t* is the token at *t + 1*, and that token stands in the input, one "
            "place to the right. Without the mask position *t* can look there and copy it: nothing about language has "
            "to be learned. When the model writes, the next token does not exist yet. At the last position there is "
            "nothing to copy from, and that is the only position that writing ever uses."
        )
    )


def _triples_call(record: RunRecord) -> Call:
    settings = settings_aside()
    return Call(known_share, (model_named(_choice(record)), settings, record.run_id, WRITTEN, WRITTEN_TOKENS))


def _positions_call(choice: ModelChoice) -> Call:
    return Call(position_losses, (model_named(choice), held_out_named(choice, 8192)))


def _look_inside(pair: Pair) -> None:
    choices = {causal: _choice(record) for causal, record in pair.records().items()}
    with shown_errors():
        _positions(choices)
    _where(choices)


def _positions(choices: dict[bool, ModelChoice]) -> None:
    calls = [_positions_call(choice) for choice in choices.values()]
    losses = dict(zip(choices, all_computed(_("Measuring the loss at each position …"), calls), strict=True))
    st.header(_("Where the answer is in sight, and where not"), anchor=False)
    ends = {causal: (float(values[:-1].mean()), float(values[-1])) for causal, values in losses.items()}
    by_position(
        {NAMES[causal]: values for causal, values in losses.items()},
        title=_("Loss at each position of the validation windows"),
        summary=_(
            "Without the mask the loss is {value:.2f} on average where the next token is in the window, "
            "and {value_2:.2f} at the last position, where it is not. With the mask it is {value_3:.2f} and "
            "{value_4:.2f}.",
            value=ends[False][0],
            value_2=ends[False][1],
            value_3=ends[True][0],
            value_4=ends[True][1],
        ),
    ).show()


def _where(choices: dict[bool, ModelChoice]) -> None:
    st.header(_("Where the attention goes"), anchor=False)
    controls, figure = st.columns([1, 2.6], gap="large")
    with controls:
        sentence = choose_sentence(choices[True], most=MOST)
        if sentence is None:
            return
        which = st.segmented_control(
            _("Model"),
            [False, True],
            default=False,
            required=True,
            format_func=lambda each: _(NAMES[each]),
            key="causal_which",
            persist_state="session",
            wrap=True,
            help=_("Both read the same sentence."),
        )
        trace, _unused = traced(choices[which], sentence.ids)
        maps = inspection.attention_maps(trace)
        later, following = attention_steps.attention_ahead(maps)
        score = following if not which else maps.max(-1).mean(-1)
        heads = [(layer, head) for layer in range(maps.shape[0]) for head in range(maps.shape[1])]
        order = sorted(heads, key=lambda place: -score[place])
        layer, head = st.selectbox(
            _("Head"),
            order,
            format_func=lambda place: _(
                "{head_name} · {following:.0%} on the next token",
                head_name=head_name(*place),
                following=following[place],
            ),
            key=f"causal_head:{which}",
            persist_state="session",
            help=_("The heads in order: without the mask, first those that look most at the next token."),
        )
    with figure:
        locked = st.session_state.get("causal_locked")
        summary = _(
            "{capitalize}, {names}: {later:.0%} of the attention goes "
            "to later tokens, {following:.0%} to the very next one.",
            capitalize=head_name(layer, head).capitalize(),
            names=_(NAMES[which]),
            later=later[layer, head],
            following=following[layer, head],
        )
        attention_map(
            maps[layer, head],
            sentence.tokens,
            sentence.tokens,
            key="causal_map",
            row_ids=sentence.ids,
            column_ids=sentence.ids,
            locked=locked if isinstance(locked, int) else None,
            causal=which,
            summary=summary,
            on_click=_lock,
        )
        st.caption(summary)


def _lock(row: int) -> None:
    st.session_state["causal_locked"] = None if st.session_state.get("causal_locked") == row else row
