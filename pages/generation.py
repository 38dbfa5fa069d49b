"""Lesson: generation. One token at a time: read, look at the probabilities, narrow them, draw."""

import math
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import streamlit as st

from engine import generation
from engine.aside_worker import Call
from engine.checkpoint import Checkpoint
from engine.errors import EngineError
from engine.evaluation import surprise, token_probabilities
from engine.generation import FILTERS, NextToken, SamplingConfig, next_token_distribution
from engine.language import N_, _, number
from engine.moments import read_logits, read_probabilities
from engine.ngram import MAX_ORDER
from engine.runs.counting import texts_by_counting
from engine.writing import write_part
from pages.parts.pretraining import counting
from pages.shared import guard, guide
from pages.shared.aside import awaited, computed
from pages.shared.charts import visible_token
from pages.shared.code_panel import show_code
from pages.shared.components import candidate_bars, token_strip
from pages.shared.draft import Draft, show_bytes, strip_tokens
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice, objective
from pages.shared.models import ModelChoice, choose_model, load, model_named
from pages.shared.tables import show_table
from pages.shared.wording import slider_form

guard.ensure()

MAX_PROMPT = 2_000
SHOWN = 12
AT_A_TIME = 10  # tokens that are drawn between two looks at the page

st.title(_("Generation"), anchor=False)
objective(
    _(
        "A language model only ever answers one question: which token comes next? See its answer as numbers, narrow "
        "the choice, and write a text with it token by token."
    ),
    minutes=10,
)


def sampling_controls() -> SamplingConfig:
    temperature = st.slider(
        _("Temperature"),
        0.0,
        2.0,
        0.8,
        0.05,
        format=slider_form(),
        key="temperature",
        persist_state="session",
        help=_("Divides the logits: below 1 likely tokens gain, above 1 unlikely ones. 0 always takes the likeliest."),
    )
    top_k = st.slider(
        _("Top-k"),
        0,
        100,
        0,
        key="top_k",
        persist_state="session",
        help=_("Keep only the k most probable tokens. 0 keeps all."),
    )
    top_p = st.slider(
        _("Top-p"),
        0.05,
        1.0,
        1.0,
        0.05,
        format=slider_form(),
        key="top_p",
        persist_state="session",
        help=_("Keep the smallest set of tokens whose probabilities sum to p (nucleus sampling). 1 keeps all."),
    )
    min_p = st.slider(
        _("Min-p"),
        0.0,
        0.5,
        0.0,
        0.01,
        format=slider_form(),
        key="min_p",
        persist_state="session",
        help=_("Keep tokens at least this share as probable as the likeliest one. 0 keeps all."),
    )
    penalty = st.slider(
        _("Repetition penalty"),
        1.0,
        2.0,
        1.0,
        0.05,
        format=slider_form(),
        key="penalty",
        persist_state="session",
        help=_("Lowers the logits of tokens that are in the text already. 1 changes nothing."),
    )
    seed = st.number_input(
        _("Seed"),
        0,
        9999,
        0,
        key="seed",
        persist_state="session",
        help=_("The dice. Each position has its own: rewinding does not change them."),
    )
    return SamplingConfig(temperature, top_k, top_p, min_p, penalty, int(seed))


def logits_after(choice: ModelChoice, ids: list[int]) -> np.ndarray:
    """The logits after a text, computed once for everybody: moving a slider asks here again and runs no model."""
    found: np.ndarray = computed(_("The model reads the text"), read_logits, model_named(choice), tuple(ids))
    return found


def the_draft(choice: ModelChoice, prompt: str) -> Draft:
    """This session's draft; a new prompt or a model with another tokenizer begins a new one."""
    origin = (choice.run_id, prompt)
    if st.session_state.get("draft_origin") != origin:
        ids = load(choice).tokenizer.encode(prompt)
        text = _("The model reads the text")
        probabilities = computed(text, read_probabilities, model_named(choice), tuple(ids))
        st.session_state["draft_origin"] = origin
        st.session_state["draft"] = Draft.of_prompt(ids, probabilities)
    return st.session_state["draft"]


def write_on(choice: ModelChoice, draft: Draft, sampling: SamplingConfig, n: int) -> None:
    """Stream n tokens into the draft, a few at a time. Whatever interrupts it, what is written stays."""
    tokenizer = load(choice).tokenizer
    draft.begin()
    before = tokenizer.decode(draft.ids)
    place, ids, model = st.empty(), tuple(draft.ids), model_named(choice)
    for start in range(0, n, AT_A_TIME):
        few = min(AT_A_TIME, n - start)
        steps = awaited(Call(write_part, (model, ids, sampling, n, start, few)))
        for step in steps:
            draft.append(step)
        place.text(tokenizer.decode(draft.ids))
        if len(steps) < few:
            break
    text = tokenizer.decode(draft.ids)
    guide.tell("drawn", {"model": choice.key, "before": before, "text": text, "n": n, **asdict(sampling)})
    st.rerun()


def remarks(draft: Draft, checkpoint: Checkpoint) -> list[str]:
    """What the learner should know about the text as it stands: where it ends, what of it the model still reads."""
    sentences, context = [], checkpoint.model.config.context_length
    if draft.ids and draft.ids[-1] == checkpoint.tokenizer.end_of_text_id:
        sentences.append(_("The model ended the text here, with its token for the end. Write on to begin another one."))
    if len(draft.ids) > context:
        sentences.append(
            _(
                "The text has {n_ids:,} tokens; the model reads the last {context:,} of them, its context length.",
                n_ids=len(draft.ids),
                context=context,
            )
        )
    return sentences


def filter_by_filter(logits, sampling: SamplingConfig, ids: list[int], tokens: dict[int, str]) -> pd.DataFrame:
    """The probabilities of some tokens (id → text) after each filter in turn, in percent; cut tokens have none."""
    off = SamplingConfig(seed=sampling.seed)
    names = {
        N_("model"): (),
        N_("penalty"): ("repetition_penalty",),
        N_("temperature"): ("temperature",),
        "top-k": ("top_k",),
        "top-p": ("top_p",),
        "min-p": ("min_p",),
    }
    columns, so_far = {}, off
    for name, settings in names.items():
        so_far = replace(so_far, **{setting: getattr(sampling, setting) for setting in settings})
        final = next_token_distribution(logits, so_far, ids).final
        columns[name] = [100 * final[i] if final[i] > 0 else None for i in tokens]
    return pd.DataFrame(columns, index=pd.Index(tokens.values(), name=N_("token")))


def surprise_table(draft: Draft, tokenizer) -> pd.DataFrame:
    """Every token with the probability the model gave it before it was there, and its surprise in bits."""
    rows = [
        {
            N_("token"): visible_token(show_bytes(tokenizer.token_bytes(token.id))),
            N_("probability"): token.probability,
            N_("surprise (bits)"): None if token.probability is None else -math.log2(max(token.probability, 1e-300)),
            N_("by"): _("prompt") if token.prompt else _("you") if token.forced else _("model"),
        }
        for token in draft.tokens
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name=N_("position")))


def show_surprise(draft: Draft, tokenizer) -> None:
    """What the model makes of the text, token by token and in all."""
    table = surprise_table(draft, tokenizer)
    if table["probability"].isna().all():
        st.caption(_("One token alone surprises nobody: write on, or type a longer prompt."))
        return
    measured = surprise(table["probability"].tolist(), [len(tokenizer.token_bytes(i)) for i in draft.ids])
    with st.container(horizontal=True):
        st.metric(
            _("Bits per token"),
            number(measured.bits / measured.n_tokens, ".2f"),
            help=_("The mean surprise."),
            width=130,
        )
        st.metric(
            _("Perplexity"), number(measured.perplexity, ",.1f"), help=_("e to the loss of this text."), width=130
        )
        st.metric(
            _("Bits per byte"),
            number(measured.bits_per_byte, ".2f"),
            help=_("Comparable between models and tokenizers."),
            width=130,
        )
    worst = table["surprise (bits)"].idxmax()
    st.text(
        _(
            "The largest surprise is token {worst}, {loc}: {loc_2:.1f} bits, a probability of {loc_3:.2%}.",
            worst=worst,
            loc=table.loc[worst, "token"],
            loc_2=table.loc[worst, "surprise (bits)"],
            loc_3=table.loc[worst, "probability"],
        )
    )
    show_table(
        table.style.format(
            {
                N_("probability"): lambda each: number(each, ".3%"),
                N_("surprise (bits)"): lambda each: number(each, ".2f"),
            },
            na_rep="–",
        ),
        width="stretch",
    )
    st.caption(_("Surprise is −log₂ of the probability. Its mean, in nats, is the loss that training makes small."))


def filters_in_words(choice: NextToken, sampling: SamplingConfig) -> str:
    """One sentence: what each filter cut."""
    parts = [
        _(
            "{name} cut {int:,} tokens with {sum:.1%}",
            name=name,
            int=int((choice.cut_by == n).sum()),
            sum=choice.scaled[choice.cut_by == n].sum(),
        )
        for n, name in enumerate(FILTERS)
        if n and (choice.cut_by == n).any()
    ]
    kept = int((choice.final > 0).sum())
    if sampling.temperature == 0:
        return _("Temperature 0 takes the likeliest token: there is nothing left to draw.")
    cuts = "; ".join(parts) + _(" of the probability") if parts else _("No filter cut anything")
    return _("{cuts}. The draw is among {kept:,} of {n_base:,} tokens.", cuts=cuts, kept=kept, n_base=len(choice.base))


def by_counting(choice: ModelChoice, draft: Draft, sampling: SamplingConfig, n_tokens: int) -> None:
    """The same prompt, filters and dice for a model that only counts; drawn where it is asked for."""
    order = st.segmented_control(
        _("Tokens it counts together"),
        list(range(1, MAX_ORDER + 1)),
        format_func=_,
        key="ngram-order",
        persist_state="session",
        help=_("n of the n-gram: it looks back n − 1 tokens. The training text is counted once, which takes seconds."),
    )
    if order is None:
        st.caption(_("Choose n: the prompt is continued with the filters and the dice of this page."))
        return
    ids = tuple(draft.ids[: draft.prompt_length])
    found = counting.by_counting(choice, texts_by_counting, ids, (order,), n_tokens, sampling)
    st.text(load(choice).tokenizer.decode(ids) + found.by_order[0])
    note = counting.count_note(choice, found.counts)
    st.caption(_("{count_note} More of it in **Pretraining**, *Before transformers*.", count_note=note))


controls, text = st.columns([1, 2], gap="large")
with controls, shown_errors():
    chosen = choose_model()
    prompt = st.text_area(
        _("Prompt"),
        _("The lion is in the"),
        key="prompt",
        persist_state="session",
        max_chars=MAX_PROMPT,
        height=90,
        help=_("The text to continue. The model reads it in the same tokens as its training text."),
    )
    n_tokens = st.slider(
        _("Tokens to write"),
        5,
        300,
        60,
        5,
        key="n_tokens",
        persist_state="session",
        help=_("How many tokens at a press."),
    )
    with st.expander(_("How to choose"), icon=":material/tune:", expanded=True):
        sampling = sampling_controls()

with text, shown_errors():
    if chosen is not None and not prompt:
        st.info(_("Type a prompt: at least one character for the model to read."))
    elif chosen is not None:
        try:
            draft = the_draft(chosen, prompt)
            tokenizer = load(chosen).tokenizer
        except EngineError as error:
            st.error(sentence(error))
            st.stop()
        with st.container(horizontal=True):
            write = st.button(
                _("Write on"), type="primary", icon=":material/edit_note:", help=_("Draw token after token.")
            )
            one = st.button(_("One token"), icon=":material/add:", help=_("Draw a single token."))
            if st.button(
                _("Back one"),
                icon=":material/undo:",
                disabled=len(draft.tokens) <= draft.prompt_length,
                help=_("Take the last token away; it is kept as a branch."),
            ):
                draft.rewind(len(draft.tokens) - 1)
                st.rerun()
            if st.button(
                _("Undo"), icon=":material/history:", disabled=not draft.past, help=_("Before the last change.")
            ):
                draft.undo()
                st.rerun()
            if st.button(
                _("Start again"),
                icon=":material/restart_alt:",
                disabled=len(draft.tokens) <= draft.prompt_length,
                help=_("Back to the prompt; the text is kept as a branch."),
            ):
                draft.rewind(draft.prompt_length)
                st.rerun()
        if write or one:
            st.button(_("Stop"), icon=":material/stop:", help=_("Keep what is written so far."))
            write_on(chosen, draft, sampling, 1 if one else n_tokens)
        by_id = st.toggle(
            _("Colour by token id"),
            False,
            key="by-id",
            persist_state="session",
            help=_(
                "Off: the less probable the model found a token, the deeper its colour. On: each token has the colour "
                "that it has in Tokenization, so repetitions show."
            ),
        )
        clicked = token_strip(strip_tokens(draft, tokenizer), key="strip", by_id=by_id)
        if clicked is not None and clicked >= draft.prompt_length:
            draft.rewind(clicked)
            st.rerun()
        for remark in remarks(draft, load(chosen)):
            st.caption(remark)
        st.header(_("Which token next?"), anchor=False)
        logits = logits_after(chosen, draft.ids)
        choice = next_token_distribution(logits, sampling, draft.ids)
        candidates = [
            {
                "id": int(i),
                "text": show_bytes(tokenizer.token_bytes(int(i))),
                "base_probability": float(choice.base[i]),
                "final_probability": float(choice.final[i]),
                "cut_by": FILTERS[choice.cut_by[i]] or None,
            }
            for i in choice.top(SHOWN)
        ]
        picked = candidate_bars(candidates, key="candidates")
        if picked is not None:
            draft.force(picked, float(choice.base[picked]))
            st.rerun()
        st.caption(
            _("The outline is the model's own probability, the bar what is drawn from. ")
            + filters_in_words(choice, sampling)
        )
        with st.expander(_("Filter by filter"), icon=":material/filter_alt:"):
            tokens = {c["id"]: visible_token(c["text"]) for c in candidates}
            stages = filter_by_filter(logits, sampling, draft.ids, tokens)
            show_table(
                stages.style.format(lambda each: _("{value:.2f} %", value=each), na_rep=_("cut")), width="stretch"
            )
            st.caption(
                _("From left to right: each column is what its filter left of the one before. Each sums to 100 %.")
            )
        with st.expander(_("Surprise, token by token"), icon=":material/priority_high:"):
            show_surprise(draft, tokenizer)
        with st.expander(_("What would an n-gram write?"), icon=":material/tag:"), shown_errors():
            by_counting(chosen, draft, sampling, n_tokens)
        if draft.branches:
            with st.expander(
                _("Branches ({n_branches})", n_branches=len(draft.branches)), icon=":material/account_tree:"
            ):
                for n, branch in enumerate(draft.branches):
                    st.text("… " + tokenizer.decode([t.id for t in branch[draft.prompt_length :]]))
                    if st.button(_("Return to this"), key=f"branch-{n}", help=_("The present text becomes a branch.")):
                        draft.switch(n)
                        st.rerun()
        st.download_button(
            _("Text"),
            data=tokenizer.decode(draft.ids).encode(),
            file_name="generated.txt",
            mime="text/plain",
            icon=":material/download:",
            on_click="ignore",
            help=_("The prompt and what was written."),
        )

notice(
    _("Colour tells how probable the model found each token, of your prompt too: where it was sure and where not."),
    _("Click a token to go back to the moment before it, then click another candidate: the text takes another way."),
    _("Moving a slider reshapes the same probabilities. The model is not asked again; it has no temperature."),
    _("The model has no memory but this text, and no more of it than its context length."),
)
exercise(
    _("Set the temperature to 0 and write 60 tokens. Then find one single token to force that changes the story."),
    _(
        "Greedy text soon repeats itself: the likeliest continuation of a loop is the loop. One forced token changes "
        "the context, hence all later distributions."
    ),
)
show_code(
    generation.generate,
    generation.next_token_distribution,
    generation.draw,
    generation.Reader.read,
    token_probabilities,
)
