"""Part: instructions with answers, the template that makes text of them, and which of its tokens are learned."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import instructions
from engine.errors import ConfigError, CorpusError
from engine.instruction_files import as_json_lines, read_example_file
from engine.instruction_sets import INSTRUCTION_SETS, InstructionSet, own_instructions
from engine.instructions import EncodedExample, Example, Question, Template, collate, padding_share
from engine.language import N_, _, number
from engine.runs.instructing import MAX_TEMPLATE
from engine.tokenizer import Tokenizer
from engine.tuning import EncodedQuestions
from engine.windows import LengthBatches
from pages.parts.instructions.source import DATA_KEY, OWN, TEMPLATES, chosen_data, questions_of, set_title
from pages.shared.base_model import choose_base
from pages.shared.code_panel import show_code
from pages.shared.components.loss_mask import MaskedToken, loss_mask
from pages.shared.draft import show_bytes
from pages.shared.edited_table import edited_table
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.models import load
from pages.shared.tables import show_table
from pages.shared.viewer import lab

_SHOWN = 200
_FILE = "instruction-own-file"
_BEGINNING = (
    ("What is the name of our club?", "The Chess Owls."),
    ("When do we meet?", "On Thursday at six."),
    ("Where do we meet?", "In room 12."),
    ("Who brings the boards?", "Ines brings them."),
    ("What does it cost to be a member?", "Two euros a month."),
    ("When is the next tournament?", "On the first of June."),
)


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "A base model continues text; it does not answer. Fine-tuning shows it pairs of an **instruction** and an "
            "**answer**, written as text by a **template**, and goes on training with the very same loss."
        )
    )
    name = st.segmented_control(
        _("Instructions"),
        [*INSTRUCTION_SETS, OWN],
        default="airline",
        required=True,
        format_func=set_title,
        key=DATA_KEY,
        persist_state="session",
        help=_("What the model shall learn to answer. The choice holds for all parts of this lesson."),
    )
    if name == OWN:
        _own_pairs()
    else:
        kept = _(INSTRUCTION_SETS[name].held_out)
        st.caption(
            _(
                "{about} Held out: {lower}{kept}",
                about=INSTRUCTION_SETS[name].about,
                lower=kept[:1].lower(),
                kept=kept[1:],
            )
        )
    data = chosen_data()
    questions = None
    if data is not None:
        try:
            questions = questions_of(data)
        except CorpusError as error:
            st.warning(sentence(error))
    if questions is not None:
        _table(questions)
        template = _template()
        base = choose_base("instruction")
        if template is not None and base is not None:
            _tokens(questions, template, load(base).tokenizer)
    notice(
        _(
            "The prompt is read but not learned: its targets are −100, which the loss leaves out. What is learned is "
            "the answer and the end-of-text token behind it; without that the model would never stop."
        ),
        _(
            "A batch is a matrix, so shorter examples are filled up with padding. Examples of like length in one batch "
            "leave little of it."
        ),
        _("The template costs tokens in every example. A model must be asked in the very form that it was taught in."),
    )
    exercise(
        _(
            "Change the template to the longer one and look at the two numbers below the example. What does it cost, "
            "and what is it good for?"
        ),
        _(
            "Every example gets longer, by as many tokens as the headings take, and each is read in every epoch. "
            "Headings leave no doubt where the instruction ends and the answer begins. But a user can type them too: "
            "chat models therefore use special tokens, which no typed text becomes."
        ),
    )
    show_code(instructions.Template, instructions.encode_example, instructions.collate)


def _own_pairs() -> None:
    st.markdown(
        _(
            "Edit the table, or upload a file: CSV with the columns *instruction* and *output* (perhaps *input*), or "
            "JSON in Alpaca's or in chat form. One pair in ten is held out."
        )
    )
    upload = st.file_uploader(
        _("Upload pairs"),
        type=["csv", "tsv", "json", "jsonl"],
        key="instruction-file",
        on_change=_forget_file,
        help=_("Up to 20 MB. The pairs replace those of the table."),
    )
    try:
        if upload is not None:
            examples = read_example_file(upload.getvalue(), upload.name)
            st.session_state[_FILE] = (lab().save_upload(as_json_lines(examples)), upload.name)
            st.caption(_("{n_examples:,} pairs out of the file.", n_examples=len(examples)))
        elif _FILE in st.session_state:
            examples = _of_file(*st.session_state[_FILE])
        else:
            examples = _edited()
        own_instructions(examples)  # says whether they are enough
        st.session_state["instruction-own"] = lab().save_upload(as_json_lines(examples))
    except CorpusError as error:
        st.session_state.pop("instruction-own", None)
        st.warning(sentence(error))


def _forget_file() -> None:
    if st.session_state["instruction-file"] is None:
        st.session_state.pop(_FILE, None)


def _of_file(name: str, title: str) -> list[Example]:
    """The pairs of a file that was uploaded before the page was left, or that a link brought."""
    line = st.container(horizontal=True, vertical_alignment="center")
    place = line.empty()
    line.button(
        _("Back to the table"),
        key="instruction-forget",
        type="tertiary",
        icon=":material/close:",
        on_click=st.session_state.pop,
        args=(_FILE, None),
        help=_("Takes the pairs of the table instead of those of the file."),
    )
    examples = instructions.read_examples(lab().artifacts.load_upload(name))
    place.text(_("In use: {title}, {n_examples:,} pairs", title=title, n_examples=len(examples)))
    return examples


def _edited() -> list[Example]:
    edited = edited_table(
        "instruction",
        lambda: pd.DataFrame(_BEGINNING, columns=["instruction", "output"]),
        reset=_("Back to the course's pairs"),
        column_config={
            "instruction": st.column_config.TextColumn(_("Instruction"), help=_("What is asked."), max_chars=2_000),
            "output": st.column_config.TextColumn(_("Output"), help=_("The answer to be learned."), max_chars=2_000),
        },
    )
    pairs = [
        (str(row.instruction or "").strip(), str(row.output or "").strip())
        for row in edited.fillna("").itertuples(index=False)
    ]
    return [Example(asked, answer) for asked, answer in pairs if asked and answer]


def _table(questions: InstructionSet) -> None:
    counts = _(" and ").join(f"{number(len(group))} ({name})" for name, group in questions.held_out.items())
    st.caption(_("{n_train:,} pairs to train on; held out: {counts}.", n_train=len(questions.train), counts=counts))
    with st.expander(_("Look at the pairs"), icon=":material/table_rows:"):
        groups = {N_("to train on"): questions.train, **questions.held_out}
        shown = st.selectbox(
            _("Which"),
            list(groups),
            format_func=_,
            key="instruction-group",
            help=_("The first {shown} of each are shown.", shown=_SHOWN),
        )
        rows = [(q.example.instruction, q.example.input, q.example.answer) for q in groups[shown][:_SHOWN]]
        table = pd.DataFrame(rows, columns=[N_("Instruction"), N_("Input"), N_("Answer")])
        if not table["Input"].any():
            table = table.drop(columns="Input")
        show_table(table, hide_index=True, width="stretch")
        st.download_button(
            _("All pairs to train on, as JSON lines"),
            data=lambda: as_json_lines(q.example for q in questions.train).encode(),
            file_name="instructions.jsonl",
            mime="application/jsonl",
            icon=":material/download:",
            on_click="ignore",
            help=_("In Alpaca's form: instruction, input, output."),
        )


def _template() -> Template | None:
    st.header(_("Template"), anchor=False)
    st.session_state.setdefault("instruction-template", tuple(TEMPLATES["short"].to_dict().values()))
    for place, form in enumerate(("without", "with")):
        st.session_state.setdefault(f"instruction-{form}", st.session_state["instruction-template"][place])
    with st.container(horizontal=True):
        for name, title in (("short", _("Short")), ("alpaca", _("With headings"))):
            st.button(
                _(title),
                key=f"instruction-use-{name}",
                on_click=_use_template,
                args=(name,),
                icon=":material/restart_alt:",
                help=_("Puts this template into the fields below."),
            )
    left, right = st.columns(2)
    without = left.text_area(
        _("Without an input"),
        key="instruction-without",
        persist_state="session",
        max_chars=MAX_TEMPLATE,
        height=130,
        help=_("Must hold {instruction}. What it ends with is the last thing the model reads before it answers."),
    )
    with_input = right.text_area(
        _("With an input"),
        key="instruction-with",
        persist_state="session",
        max_chars=MAX_TEMPLATE,
        height=130,
        help=_("Must hold {instruction} and {input}: for a text to translate or to summarise."),
    )
    try:
        template = Template(without, with_input)
    except ConfigError as error:
        st.warning(sentence(error))
        return None
    st.session_state["instruction-template"] = (without, with_input)
    return template


def _use_template(name: str) -> None:
    template = TEMPLATES[name]
    st.session_state["instruction-without"] = template.without_input
    st.session_state["instruction-with"] = template.with_input


@st.cache_data(max_entries=32, show_spinner=False)
def _encoded(
    data: str, template: tuple[str, str], key: str, _questions: InstructionSet, _tokenizer: Tokenizer
) -> tuple[tuple[Question, EncodedExample], ...]:
    found = EncodedQuestions.of(_questions.train[:512], Template(*template), _tokenizer, 255)
    return tuple(zip(found.questions, found.encoded, strict=True))


def _tokens(questions: InstructionSet, template: Template, tokenizer: Tokenizer) -> None:
    name = chosen_data() or ""
    try:
        pairs = _encoded(name, (template.without_input, template.with_input), str(id(tokenizer)), questions, tokenizer)
    except ConfigError as error:
        st.warning(sentence(error))
        return
    if not pairs:
        st.warning(_("No pair fits the model's context with this template: shorten it."))
        return
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    place = left.number_input(
        _("Example"), 1, len(pairs), 1, key="instruction-example", help=_("Which pair to train on is shown.")
    )
    mask = middle.toggle(
        _("Mask the prompt"),
        True,
        key="instruction-mask-shown",
        persist_state="session",
        help=_("Off: the prompt's tokens are learned as well, as in pretraining."),
    )
    show_ids = right.toggle(
        _("Show ids"), False, key="instruction-ids", persist_state="session", help=_("What the model reads: numbers.")
    )
    question, encoded = pairs[int(place) - 1]
    st.text(template.prompt(question.example.instruction, question.example.input))
    row = _masked(encoded, tokenizer, mask)
    n_learned = sum(token.kind == "learned" for token in row)
    summary = _("{n_row} tokens, of which {n_learned} are learned.", n_row=len(row), n_learned=n_learned)
    loss_mask([row], "instruction-tokens", wrap=True, show_ids=show_ids, summary=summary)
    st.caption(
        _(
            "{summary} A framed token is a target: it is predicted from all tokens before it. The last one is the "
            "end-of-text token.",
            summary=summary,
        )
    )
    _batch([encoded for _unused, encoded in pairs], tokenizer, mask, show_ids)


def _masked(encoded: EncodedExample, tokenizer: Tokenizer, mask: bool) -> list[MaskedToken]:
    """Each token of an example; the first is never a target."""
    first = encoded.n_prompt if mask else 1
    return [
        MaskedToken(_text(tokenizer, id), id, "learned" if place >= first else "masked")
        for place, id in enumerate(encoded.ids)
    ]


def _text(tokenizer: Tokenizer, id: int) -> str:
    return show_bytes(tokenizer.token_bytes(id))


def _batch(examples: Sequence[EncodedExample], tokenizer: Tokenizer, mask: bool, show_ids: bool) -> None:
    st.header(_("A batch of them"), anchor=False)
    left, right = st.columns(2, vertical_alignment="bottom")
    size = left.slider(
        _("Examples in the batch"),
        2,
        16,
        6,
        key="instruction-batch",
        persist_state="session",
        help=_("Rows of the matrix."),
    )
    by_length = right.toggle(
        _("Put examples of like length together"),
        True,
        key="instruction-by-length",
        persist_state="session",
        help=_("As training does here. Off: in the order in which they come."),
    )
    rows = LengthBatches([len(each.ids) for each in examples], size).rows(0) if by_length else range(size)
    chosen = [examples[row] for row in rows if row < len(examples)]
    inputs, targets = collate(chosen, mask_prompt=mask)
    matrix = []
    for example, line, learned in zip(chosen, inputs.tolist(), targets.tolist(), strict=True):
        n = len(example.ids) - 1
        matrix.append(
            [
                MaskedToken(
                    _text(tokenizer, target) if target != instructions.IGNORED else _text(tokenizer, id),
                    target if target != instructions.IGNORED else id,
                    "padding" if place >= n else "masked" if target == instructions.IGNORED else "learned",
                )
                for place, (id, target) in enumerate(zip(line, learned, strict=True))
            ]
        )
    share = padding_share(chosen)
    summary = _(
        "{n_chosen} × {shape} positions, {share:.0%} of them padding.",
        n_chosen=len(chosen),
        shape=inputs.shape[1],
        share=share,
    )
    loss_mask(matrix, "instruction-matrix", wrap=False, show_ids=show_ids, summary=summary)
    st.caption(
        _("{summary} Where a target is learned the target stands, elsewhere the token that is read.", summary=summary)
    )
