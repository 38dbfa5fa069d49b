"""Part "Before transformers": text by counting, text by rules, and what a GPT does better on the same held-out text."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from engine import ngram, ngram_writer, rule_bot
from engine.generation import SamplingConfig
from engine.language import N_, _
from engine.memorised import LEAST_WORDS
from engine.rule_bot import RULES, Answer, RuleBot
from engine.runs.counting import SKIPPED, losses, texts_beside
from pages.parts.pretraining.before_figures import loss_bars
from pages.parts.pretraining.counting import NAMES, by_counting, count_note
from pages.shared.code_panel import show_code
from pages.shared.components.copied_text import copied_text
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, choose_model, load
from pages.shared.tables import show_table
from pages.shared.wording import slider_form

LOSS, SAMPLES, BOT = N_("Loss"), N_("Samples"), N_("A bot of rules")
MAX_PROMPT = 500
MAX_SAID = 300
KEPT = 20
DEFAULT_PROMPT = N_("The lion is in the")
TALK, TALK_BEFORE = "rule-bot", "rule-bot-before"
CHAT_TOKENS = 24


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "Shannon (1948) wrote English by **counting** which letters and words follow each other; Weizenbaum's "
            "ELIZA (1966) talked by **rules**. Both are here, beside a GPT that read the same text in the same tokens."
        )
    )
    choice = choose_model()
    chosen = st.segmented_control(
        _("Look at"),
        [LOSS, SAMPLES, BOT],
        default=LOSS,
        required=True,
        key="before-view",
        persist_state="session",
        help=_("How well each predicts held-out text, what each writes, or a talk with a bot that only knows rules."),
    )
    place = st.container()
    notice(
        _(
            "A longer context is sharper but rarer: with every further token fewer contexts were ever seen, so the "
            "model backs off to shorter ones. More text helps slowly, for there are V⁵ of them."
        ),
        _(
            "n-gram text is right for a few words and has no plan. At n = 5 much of it is copied: look at the "
            "underlined runs."
        ),
        _(
            "The GPT uses the whole window. What it gains over the best n-gram is what lies more than four tokens "
            "back, and what it knows of words that behave alike."
        ),
        _(
            "The bot of rules understands nothing, and people told ELIZA their secrets. Talking well is no proof of "
            "understanding."
        ),
    )
    exercise(
        _(
            "Look at the samples at temperature 0 and then at 1. Which n-gram repeats itself, and why does a GPT do it "
            "less at the same temperature?"
        ),
        _(
            "At temperature 0 an n-gram is a map from the last n − 1 tokens to the next: as soon as these recur, the "
            "text is a loop. A GPT sees the whole window, which is never quite the same, though small ones loop as "
            "well."
        ),
    )
    show_code(
        ngram.NGram.next_probabilities, ngram._Grams, ngram_writer.write, rule_bot.RuleBot.answer, rule_bot.reflect
    )
    if choice is None:
        return
    with place, shown_errors():
        if load(choice).model.config.context_length <= SKIPPED:
            st.info(
                _(
                    "This model reads fewer than {skipped} tokens at a time: choose one with a longer context.",
                    skipped=SKIPPED + 1,
                )
            )
        else:
            {LOSS: _loss, SAMPLES: _samples, BOT: _talk}[chosen](choice)


# --- loss ---------------------------------------------------------------------------------------------------


def _loss(choice: ModelChoice) -> None:
    found = by_counting(choice, losses)
    model = load(choice).model
    name = "GPT"
    rows = pd.DataFrame({"model": [*map(_, NAMES), name], "loss": [*found.by_order, found.model]})
    rows["kind"] = [_("by counting")] * len(NAMES) + ["GPT"]
    best = min(range(1, len(NAMES)), key=found.by_order.__getitem__)
    gain = found.by_order[best] - found.model
    verdict = _(
        "The best by counting is the {names} with {by_order:.2f} nats per token; the GPT needs "
        "{model:.2f}, {gain:.2f} {ending}: where it stands, the token that came is "
        "{exp:.1f} times as {ending_2}.",
        names=_(NAMES[best]),
        by_order=found.by_order[best],
        model=found.model,
        gain=abs(gain),
        ending="less" if gain > 0 else "more",
        exp=math.exp(abs(gain)),
        ending_2="probable" if gain > 0 else "improbable",
    )
    loss_bars(rows, summary=verdict).show()
    st.caption(
        _(
            "{count_note} Measured on {n_scored:,} held-out tokens; the first {skipped} of each window are context "
            "only, for all alike. The loss beside the checkpoint is measured on other windows, so it may differ.",
            count_note=count_note(choice, found.counts),
            n_scored=found.n_scored,
            skipped=SKIPPED,
        )
    )
    table = pd.DataFrame(
        {
            N_("model"): [*map(_, NAMES), name],
            N_("looks at (tokens)"): [0, *range(5), model.config.context_length],
            N_("loss (nats per token)"): [round(each, 3) for each in (*found.by_order, found.model)],
            N_("whole context seen before (%)"): [*(round(100 * each, 1) for each in found.known), None],
            N_("numbers kept"): [*found.counts.n_grams, model.n_parameters],
        }
    )
    with st.expander(_("As a table: how sparse the counts are"), icon=":material/table:", expanded=True):
        show_table(table, hide_index=True, width="stretch")
        st.caption(
            _(
                "Whole context seen before: on how many held-out positions the last n − 1 tokens were ever counted "
                "together. Numbers kept: distinct n-grams of the highest order, or parameters. Smoothing: interpolated "
                "Kneser-Ney (Chen and Goodman 1999)."
            )
        )


# --- samples ------------------------------------------------------------------------------------------------


def _samples(choice: ModelChoice) -> None:
    prompt = st.text_input(
        _("Prompt"),
        DEFAULT_PROMPT,
        max_chars=MAX_PROMPT,
        key="before-prompt",
        persist_state="session",
        help=_("All six go on from this text."),
    )
    left, middle, right, last = st.columns(4)
    n_tokens = left.slider(
        _("Tokens to write"), 10, 120, 50, 10, key="before-tokens", persist_state="session", help=_("By each of them.")
    )
    temperature = middle.slider(
        _("Temperature"),
        0.0,
        1.5,
        1.0,
        0.1,
        format=slider_form(),
        key="before-temperature",
        persist_state="session",
        help=_("1 draws with the probabilities as they are; 0 takes the likeliest token. The same for all."),
    )
    least = right.slider(
        _("Words that make a copy"),
        LEAST_WORDS,
        12,
        5,
        key="before-least",
        persist_state="session",
        help=_("Runs of at least so many words that stand in the counted text are underlined."),
    )
    seed = last.number_input(
        _("Seed"),
        0,
        9999,
        0,
        key="before-seed",
        persist_state="session",
        help=_("The same dice at the same place for all."),
    )
    ids = tuple(load(choice).tokenizer.encode(prompt.encode("utf-8", "replace").decode("utf-8")))
    if not ids:
        st.info(_("Type a prompt: at least one character to go on from."))
        return
    sampling = SamplingConfig(temperature=temperature, seed=int(seed))
    orders = tuple(range(1, len(NAMES)))
    written = by_counting(choice, texts_beside, ids, orders, n_tokens, sampling)
    names = [*(_(NAMES[order]) for order in orders), "GPT"]
    rows = []
    for n, (name, text, found) in enumerate(
        zip(names, (*written.by_order, written.model), written.copied, strict=True)
    ):
        if n % 2 == 0:
            columns = st.columns(2)
        with columns[n % 2], st.container(border=True):
            st.markdown(f"**{name}**")
            pieces = [(text[start:end], span) for start, end, span in found.pieces(least)]
            ending = sum(len(piece) for piece, _unused in pieces)
            pieces += [(text[ending:], None)] if ending < len(text) else []
            notes = [
                _("{n_words} words, in {n_places} places of the text", n_words=span.n_words, n_places=span.n_places)
                for span in found.spans
            ]
            copied_text(pieces, notes, key=f"before-{name}", label=_("Text by the {name}", name=name), prompt=prompt)
            st.caption(
                _(
                    "{share:.0%} of the words in copies · longest {longest} words",
                    share=found.share(least),
                    longest=found.longest,
                )
            )
        rows.append(
            {
                N_("writer"): name,
                N_("words"): found.n_words,
                _("in copies of {least}+ words (%)", least=least): round(100 * found.share(least), 1),
                N_("longest copy (words)"): found.longest,
                N_("text"): text,
            }
        )
    st.caption(
        count_note(choice, written.counts)
        + _(" Copies are searched in the same text: what the GPT read beyond it is not.")
    )
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(pd.DataFrame(rows), hide_index=True, width="stretch")


# --- the bot ------------------------------------------------------------------------------------------------


def _conversation() -> list[tuple[str, Answer]]:
    return st.session_state.setdefault(TALK, [])


def _say() -> None:
    """Append the message and the bot's answer: the bot is made anew from what was said, so that undo is exact."""
    message = st.session_state.get("bot-said", "").strip()
    if not message:
        return
    bot = RuleBot()
    talk = _conversation()
    for said, _unused in talk:
        bot.answer(said)
    st.session_state[TALK_BEFORE] = talk
    st.session_state[TALK] = [*talk, (message, bot.answer(message))][-KEPT:]


def _forget() -> None:
    st.session_state[TALK_BEFORE] = _conversation()
    st.session_state[TALK] = []


def _undo() -> None:
    st.session_state[TALK] = st.session_state.pop(TALK_BEFORE)


def _talk(choice: ModelChoice) -> None:
    with st.form("bot-form", border=False):
        st.text_input(
            _("Say something to it"),
            _("I am afraid of my exam because my teacher never smiles."),
            max_chars=MAX_SAID,
            key="bot-said",
            persist_state="session",
            help=_("In English, about yourself: that is what its rules are made for."),
        )
        st.form_submit_button(_("Say it"), type="primary", icon=":material/chat:", on_click=_say)
    talk = _conversation()
    with st.container(horizontal=True):
        st.button(
            _("Start again"),
            icon=":material/restart_alt:",
            disabled=not talk,
            on_click=_forget,
            key="bot-forget",
            help=_("Forget the conversation."),
        )
        st.button(
            _("Undo"),
            icon=":material/undo:",
            disabled=TALK_BEFORE not in st.session_state,
            on_click=_undo,
            key="bot-undo",
            help=_("Back to before the last message, or before it was forgotten."),
        )
    if not talk:
        st.info(
            _("Say it: you see the answer, the rule that made it, and how an n-gram and the GPT go on from your words.")
        )
        return
    said, answer = talk[-1]
    _answers(choice, said, answer)
    _rule(answer)
    if len(talk) > 1:
        with st.expander(_("The whole conversation ({n_talk})", n_talk=len(talk)), icon=":material/forum:"):
            for message, its in talk:
                st.text(_("You: {message_}\nBot: {text}", message_=message, text=its.text))
    with st.expander(_("All {n_rules} rules", n_rules=len(RULES)), icon=":material/rule:"):
        table = [
            {
                N_("rule"): rule.name,
                N_("strength"): rule.strength,
                N_("takes apart"): " ".join(f"({n}) {part}" for n, part in enumerate(rule.parts, start=1)),
                N_("answers"): " | ".join(rule.answers),
            }
            for rule in sorted(RULES, key=lambda rule: -rule.strength)
        ]
        show_table(pd.DataFrame(table), hide_index=True, width="stretch")


def _answers(choice: ModelChoice, said: str, answer: Answer) -> None:
    ids = tuple(load(choice).tokenizer.encode(said.encode("utf-8", "replace").decode("utf-8") + "\n"))
    sampling = SamplingConfig(temperature=0.8, seed=len(_conversation()))
    columns = st.columns(3)
    columns[0].markdown(_("**The bot of rules** answers"))
    columns[1].markdown(_("**The 3-gram** goes on"))
    columns[2].markdown(_("**The GPT** goes on"))
    columns[0].text(answer.text)
    with shown_errors():
        written = by_counting(choice, texts_beside, ids, (3,), CHAT_TOKENS, sampling)
        columns[1].text(written.by_order[0])
        columns[2].text(written.model)
    st.caption(
        _(
            "Only the bot answers. A language model goes on writing in the manner of its training text; how it is made "
            "to answer is stage 2, **Instructions**."
        )
    )


def _rule(answer: Answer) -> None:
    st.header(_("The rule that fired"), anchor=False)
    if answer.remembered:
        st.text(_("No rule fitted, so the bot took up what you said before."))
        return
    if not answer.rule.strength:
        st.text(_("No rule fitted, so the bot used a phrase that fits anything."))
        return
    others = ", ".join(f"“{rule.name}” ({rule.strength})" for rule in answer.others)
    st.text(
        _("“{name}” of strength {strength}", name=answer.rule.name, strength=answer.rule.strength)
        + (_("; it beat {others}.", others=others) if others else _("; no other rule fitted."))
    )
    rows: list[dict[str, Any]] = [
        {N_("part"): n, N_("pattern"): part, N_("in your sentence"): was, N_("turned round"): turned}
        for n, (part, was, turned) in enumerate(
            zip(answer.rule.parts, answer.captured, answer.turned, strict=True), start=1
        )
    ]
    widths = {"pattern": st.column_config.TextColumn(width="small"), "part": st.column_config.Column(width="small")}
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=widths)
    st.text(_("Its answers, used in turn: ") + "  ·  ".join(answer.rule.answers))
