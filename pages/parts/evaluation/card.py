"""Part: the report card of a run, to read here and to take along."""

from __future__ import annotations

import re
import statistics

import streamlit as st

from engine import report, report_page
from engine.errors import CorpusError, EngineError
from engine.language import N_, _, language
from engine.report import CopiedRow, report_card
from engine.report_page import to_html
from engine.runs.copying import OWN, Normal, Prompt, Written
from engine.runs.names import JOBS
from engine.runs.records import PRETRAINING, RunRecord
from pages.parts.evaluation.source import copies
from pages.shared.code_panel import show_code
from pages.shared.components.paper import paper
from pages.shared.errors import sentence, shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice
from pages.shared.run_data import run_name
from pages.shared.text_source import source_title
from pages.shared.viewer import lab

KINDS = ("baselines", "sample", "pairs", "labelled", "translations")
LEAST = 8
"""Spans of so many words count as copied on the card."""
N_WORDS, TEMPERATURE, N_TEXTS = 100, 0.8, 4
COPIED = "card-copied"


def show() -> None:
    """The part "Report card"."""
    st.markdown(
        _(
            "What would somebody need to know who is to use this model, or to make it again? The **report card** "
            "gathers it from the record of the run: read it here, then save or print it."
        )
    )
    record = _choose_run()
    if record is None:
        st.info(_("There is no run yet. Train one in **Pretraining**; half a minute is enough to begin."))
    else:
        _card(record)
    notice(
        _("A loss is a number without a unit until its data and its tokenizer stand beside it."),
        _("The distance to the trigram is what the network adds to counting."),
        _("The sources of a mixture are learned at very different speeds; one loss for all of them hides it."),
        _("The seed and all settings are on the card: with them the run can be repeated."),
    )
    exercise(
        _(
            "Take the cards of two runs. Which numbers can you compare between them directly, which not, and what "
            "would you add before you published the model?"
        ),
        _(
            "With the same held-out text bits per byte compare always, loss and perplexity only with the same "
            "tokenizer; memorised shares need the same training text. A model card (Mitchell et al. 2019) also names "
            "intended use, groups that it serves worse, and limits."
        ),
    )
    show_code(report.report_card, report_page.to_html, report_page.escaped, report.spread)


def _choose_run() -> RunRecord | None:
    """Any run of any job that has begun; the one in the address or looked at last comes first."""
    records = {record.run_id: record for record in lab().runs(job=None) if record.step > 0}
    if not records:
        return None
    wanted = st.query_params.get("run") or st.session_state.get("run_id")
    key = "card-run"
    if st.session_state.get(key) not in records:
        st.session_state[key] = wanted if wanted in records else next(iter(records))
    run_id = st.selectbox(
        _("Run"),
        list(records),
        format_func=lambda each: f"{run_name(records[each])} · {_(JOBS.get(records[each].job, records[each].job))}",
        key=key,
        persist_state="session",
        help=_("Every run on this server that has made a step, whatever it trained."),
    )
    return records[run_id]


def _card(record: RunRecord) -> None:
    copied: tuple[CopiedRow, ...] = ()
    if record.job == PRETRAINING and lab().checkpoints(record.run_id):
        wanted = st.toggle(
            _("Measure how much it memorised"),
            key=COPIED,
            persist_state="session",
            help=_(
                "The newest model writes {n_texts} texts of {n_words} words; its training text is searched.",
                n_texts=N_TEXTS,
                n_words=N_WORDS,
            ),
        )
        if wanted:
            with shown_errors():  # the card is there without it while it is measured
                copied = _measure_copied(record)
    stamp = f"{record.attempt}:{record.step}:{record.state}:{record.label}:{language()}"
    page = _html(record.run_id, stamp, record, copied)
    safe = re.sub(r"[^a-z0-9]+", "-", run_name(record).lower()).strip("-")
    st.download_button(
        _("Save the card (HTML)"),
        page.encode("utf-8"),
        file_name=f"report-card-{safe}.html",
        mime="text/html",
        icon=":material/download:",
        key="card-download",
        type="primary",
        help=_("One file that needs no network. Open it in a browser to read it or to print it."),
    )
    paper(page, "card-paper", label=_("The report card of the run"))


@st.cache_data(max_entries=16, show_spinner=N_("Writing the card …"))
def _html(run_id: str, stamp: str, _record: RunRecord, copied: tuple[CopiedRow, ...]) -> str:
    service = lab()
    events = service.events(run_id, kinds=KINDS)
    names = [name for name, _unused in _record.config_dict.get("corpora", ())]
    card = report_card(
        _record,
        service.curve(run_id),
        events,
        n_parameters=_n_parameters(run_id, bool(service.checkpoints(run_id))),
        copied=copied,
        titles={name: source_title(name) for name in names},
    )
    return to_html(card)


@st.cache_data(max_entries=128, show_spinner=False)
def _n_parameters(run_id: str, saved: bool) -> int | None:
    """Counted on the model itself; None where none was saved, or where it cannot be read."""
    try:
        model = lab().load_model(run_id).model
    except EngineError:
        return None
    return sum(parameter.numel() for parameter in model.parameters())


def _measure_copied(record: RunRecord) -> tuple[CopiedRow, ...]:
    """What the newest model copies at a usual temperature, beside each source's held-out text; empty, with the reason,
    where the training text is gone.
    """
    choice = ModelChoice(record.run_id, lab().checkpoints(record.run_id)[-1].step, run_name(record))
    starts = list(record.config_dict.get("training", {}).get("prompts") or ()) or ["The"]
    prompts = tuple((Prompt(OWN, starts[n % len(starts)]), n // len(starts)) for n in range(N_TEXTS))
    try:
        found = copies(choice, prompts, N_WORDS, TEMPERATURE)
    except CorpusError as error:
        st.warning(sentence(error))
        return ()
    st.caption(
        _(
            "Measured on {n_texts} texts of the newest model at temperature {temperature}, searched in "
            "{n_words:,} words of training text.",
            n_texts=N_TEXTS,
            temperature=TEMPERATURE,
            n_words=found.n_words,
        )
    )
    return (_own(found.written), *(_held_out(found.usual, name) for name in found.usual.shares))


def _own(written: tuple[Written, ...]) -> CopiedRow:
    n_words = sum(each.copied.n_words for each in written)
    covered = sum(each.copied.share(LEAST) * each.copied.n_words for each in written)
    longest = int(statistics.median(each.copied.longest for each in written))
    return CopiedRow(_("written by the model"), n_words, covered / max(n_words, 1), longest, LEAST)


def _held_out(usual: Normal, name: str) -> CopiedRow:
    title = _("held-out: {source_title}", source_title=source_title(name))
    return CopiedRow(title, usual.n_searched[name], usual.shares[name][LEAST], usual.longest[name], LEAST)
