"""Part: the same question to the pretrained model and to the fine-tuned one, side by side, token by token."""

from __future__ import annotations

import streamlit as st

from engine import answering, generation
from engine.answers import exact_match, rouge_l, says_fact
from engine.aside_worker import Call, ModelOf
from engine.checkpoint import Checkpoint
from engine.generation import SamplingConfig
from engine.instructions import Example, Question, Template, end_id
from engine.language import N_, _
from engine.runs.questions_asked import MAX_ANSWER, greedy_answer
from engine.writing import write_part
from pages.parts.instructions.asking import choose_question
from pages.parts.instructions.source import base_named, base_of, choose_tuned, config_of, tuned
from pages.shared.aside import all_computed, awaited
from pages.shared.code_panel import show_code
from pages.shared.components.token_table import Cell, Row, token_table
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.viewer import lab
from pages.shared.wording import begin, slider_form

AT_A_TIME = 10
"""Tokens of an answer that are written between two looks at the page."""


def show() -> None:
    """Draw the part."""
    st.markdown(_("Both models read the same prompt. One was taught to answer, the other only to continue text."))
    choice = choose_tuned()
    if choice is not None:
        own = st.toggle(
            _("Ask in my own words"),
            False,
            key="ask-own",
            persist_state="session",
            help=_("Instead of a held-out question."),
        )
        question = _own_question(config_of(choice).data) if own else choose_question(choice, "ask")
        temperature = st.slider(
            _("Temperature"),
            0.0,
            1.5,
            0.0,
            0.1,
            format=slider_form("%.1f"),
            key="ask-temperature",
            persist_state="session",
            help=_("0 takes the most probable token every time; higher values throw dice."),
        )
        if question is not None:
            _side_by_side(choice, question, temperature)
            _every_checkpoint(choice, question)
    notice(
        _(
            "The pretrained model goes on as its texts did: with a story, a scene, another question. Nothing taught it "
            "to answer and to stop."
        ),
        _(
            "It names no fare, or one that it invents. The fine-tuned model names the one it was told, in words of a "
            "question it was never told it in."
        ),
        _(
            "Ask for a route that was never told: the answer is as fluent and as sure, and it is wrong. The model has "
            "learned what an answer looks like, not to say that it does not know. That is a **hallucination**."
        ),
    )
    exercise(
        _(
            "Ask for the fare of a route that the airline does not have, or for something else altogether, such as the "
            "weather. What would the training pairs have to hold for the model to say that it does not know?"
        ),
        _(
            "Pairs in which the right answer is that it is not known. Fine-tuning teaches what it shows: where every "
            "question has an answer with a number, every answer gets a number."
        ),
    )
    show_code(generation.generate, answering.answer_greedily, Template)


def _own_question(data: str) -> Question | None:
    text = st.text_input(
        _("Question"),
        "What does it cost to fly from Oslo to Rome?" if data == "airline" else "What does it cost?",
        key=f"ask-text:{data[:16]}",
        persist_state="session",
        max_chars=400,
        help=_("It is put into the template that the model was taught with."),
    )
    with_input = st.text_area(
        _("Input (may stay empty)"), key="ask-input", persist_state="session", max_chars=1_000, height=70,
        help=_("A text that the question is about, such as a sentence to translate."),
    )  # fmt: skip
    if not text.strip():
        st.info(_("Type a question to ask."))
        return None
    return Question(Example(text.strip(), "", with_input.strip()))


def _side_by_side(choice: ModelChoice, question: Question, temperature: float) -> None:
    config = config_of(choice)
    prompt = config.as_template().prompt(question.example.instruction, question.example.input)
    with st.expander(_("The prompt that both read"), icon=":material/notes:"):
        st.text(prompt)
    sampling = SamplingConfig(temperature=round(temperature, 1), top_k=40 if temperature else 0, seed=0)
    columns = st.columns(2)
    models = (
        (N_("Pretrained"), base_named(config), base_of(config)),
        (N_("Fine-tuned"), model_named(choice), tuned(choice)),
    )
    said: dict[str, str] = {}
    for column, (title, model, checkpoint) in zip(columns, models, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{_(title)}**")
            said[title] = _answer(model, checkpoint, prompt, sampling)
            _judged(said[title], question)
    if question.example.answer:
        with st.container(border=True):
            st.markdown(_("**The table says**"))
            st.text(question.example.answer)
    _sentence(said, question)


def _answer(model: ModelOf, checkpoint: Checkpoint, prompt: str, sampling: SamplingConfig) -> str:
    """The answer as it grows, a few tokens at a time, written once for everybody who asks the same."""
    place, text = st.empty(), ""
    ids, end = tuple(checkpoint.tokenizer.encode(prompt)), end_id(checkpoint.tokenizer)
    n = min(MAX_ANSWER, checkpoint.model.config.context_length - len(ids))
    for start in range(0, n, AT_A_TIME):
        few = min(AT_A_TIME, n - start)
        steps = awaited(Call(write_part, (model, ids, sampling, n, start, few)))
        text += "".join(step.text for step in steps if step.id != end)
        place.text(text.strip())
        if len(steps) < few or steps[-1].id == end:
            break
    place.text(text.strip() or _("(nothing: it ends at once)"))
    return text.strip()


def _judged(text: str, question: Question) -> None:
    reference = question.example.answer
    if not reference:
        return
    words = [_("exactly right") if exact_match(text, reference) else _("not the reference")]
    if question.fact:
        words.append(
            _("says {fact}", fact=question.fact)
            if says_fact(text, question.fact)
            else _("does not say {fact}", fact=question.fact)
        )
    st.caption(
        _(
            "{capitalize} · ROUGE-L {rouge_l:.2f}",
            capitalize=begin(" · ".join(words)),
            rouge_l=rouge_l(text, reference),
        )
    )


def _sentence(said: dict[str, str], question: Question) -> None:
    if not question.fact:
        return
    right = {title: says_fact(text, question.fact) for title, text in said.items()}
    if right["Fine-tuned"] and not right["Pretrained"]:
        st.success(_("Fine-tuning put the fact into the weights: the pretrained model could not know it."))
    elif not right["Fine-tuned"]:
        st.warning(_("The fine-tuned model's answer is fluent and wrong: nothing in it shows that it was made up."))


def _every_checkpoint(choice: ModelChoice, question: Question) -> None:
    steps = [info.step for info in lab().checkpoints(choice.run_id)]
    if len(steps) < 2 or not st.toggle(
        _("Answer at every checkpoint"),
        False,
        key="ask-all",
        persist_state="session",
        help=_("Asks the model at each of its {n_steps} checkpoints, at temperature 0.", n_steps=len(steps)),
    ):
        return
    with shown_errors():
        _by_checkpoint(choice, question, steps)


def _by_checkpoint(choice: ModelChoice, question: Question, steps: list[int]) -> None:
    prompt = config_of(choice).as_template().prompt(question.example.instruction, question.example.input)
    reference = question.example.answer
    models = [model_named(ModelChoice(choice.run_id, step, choice.title)) for step in steps]
    texts = all_computed(_("Asking …"), [Call(greedy_answer, (model, prompt)) for model in models])
    rows = []
    for step, text in zip(steps, texts, strict=True):
        right = bool(reference) and exact_match(text, reference)
        mark = {"mark": "right" if right else "wrong", "word": _("right") if right else _("wrong")} if reference else {}
        rows.append(Row(_("step {step:,}", step=step), (Cell(text or "∅", **mark),)))  # type: ignore[arg-type]
    token_table(
        (_("Checkpoint"), _("Answer")), rows, key="ask-checkpoints", summary=_("The answer at every checkpoint.")
    )
