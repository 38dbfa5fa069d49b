"""The test set: confusion, threshold, curves and calibration of a trained classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import classification_metrics as metrics
from engine.classification import confusion_matrix
from engine.classification_metrics import Calibration, ThresholdCurve, calibration, counts_at, rarest_class
from engine.labelled import Split
from engine.language import N_, _, number
from pages.parts.classification import figures
from pages.parts.classification.source import cell_told, choose_classifier, shortened, split_of_run, test_probabilities
from pages.shared.code_panel import show_code
from pages.shared.components.confusion_grid import MAX_CLASSES, confusion_grid
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.tables import show_table

MOST_TEXTS = 30
_CELL = "classification-test-cell"


def show() -> None:
    """The part "How good is it?"."""
    st.markdown(
        _(
            "The **test set** was kept aside until now: no step of training and no choice has seen it. What the "
            "classifier says of it is what may be expected of new texts."
        )
    )
    chosen = choose_classifier()
    if chosen is not None:
        with shown_errors():
            _judge(chosen.choice.key, split_of_run(chosen.record), test_probabilities(chosen))
    notice(
        _(
            "Precision asks how many of the alarms are true, recall how many of the cases raise one. Move the "
            "threshold: one is bought with the other."
        ),
        _(
            "The ROC curve does not see how rare a class is; precision does. With few positives look at precision and "
            "recall."
        ),
        _(
            "A calibrated 90 % is right nine times in ten. A model trained until its training loss is near 0 tends to "
            "be too sure."
        ),
    )
    exercise(
        _(
            "No good message may be lost: find the threshold with a precision of 99 % or more. How much spam gets "
            "through?"
        ),
        _(
            "What gets through is 100 % minus the recall at that threshold. A mail program would rather put such "
            "messages in a folder than delete them: the price of the two mistakes decides, not the F1."
        ),
    )
    show_code(
        metrics.counts_at,
        metrics.Counts,
        metrics.threshold_curve,
        metrics.calibration,
    )


def _judge(key: str, split: Split, said: np.ndarray) -> None:
    test = split.test
    names = test.label_names
    found = metrics.quality(test.labels, said)
    low, high = found.interval
    which = _("F1 of the rarer class") if len(names) == 2 else _("Mean F1 of the classes")
    numbers = (
        (
            _("Accuracy"),
            number(found.accuracy, ".2%"),
            _("{n_right:,} of {n:,} test texts called rightly.", n_right=found.n_right, n=found.n),
        ),
        (
            _("95 % interval"),
            _("{low:.1f}–{high:.1f} %", low=100 * low, high=100 * high),
            _("Wilson's interval: what so few texts can tell."),
        ),
        (which, number(found.f1, ".3f"), _("The harmonic mean of precision and recall.")),
        (_("Mistakes"), number(found.n - found.n_right), _("Test texts called wrongly.")),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=230)
    _confusion(key, split, said)
    st.header(_("One class against the others"), anchor=False)
    label = rarest_class(test.labels, len(names))
    if len(names) > 2:
        label = st.selectbox(
            _("Class"),
            range(len(names)),
            index=label,
            format_func=lambda i: _(shortened(names[i], 40)),
            key=f"one-class:{key}",
            help=_("It counts as positive, all others together as negative."),
        )
    else:
        label = st.segmented_control(
            _("Positive class"),
            [0, 1],
            default=label,
            required=True,
            format_func=lambda i: _(shortened(names[i], 40)),
            key=f"one-class:{key}",
            help=_("What is looked for; the rarer class as a rule."),
        )
    threshold = st.slider(
        _("Called so from this probability on (%)"),
        1,
        99,
        50,
        key="classification-threshold",
        persist_state="session",
        help=_("At 50 % of two classes the more probable one is chosen. Higher: fewer alarms, more of them true."),
    )
    positive = np.asarray(test.labels) == label
    _thresholds(positive, said[:, label], threshold / 100, key, label)


def _thresholds(positive: np.ndarray, scores: np.ndarray, threshold: float, key: str, label: int) -> None:
    here = counts_at(positive, scores, threshold)
    numbers = (
        (_("Precision"), here.precision, _("Of those called so, how many are.")),
        (_("Recall"), here.recall, _("Of those that are so, how many were found.")),
        ("F1", here.f1, _("The harmonic mean of the two.")),
        (_("Accuracy"), here.accuracy, _("Both kinds called rightly.")),
        (_("False alarms"), here.false_alarms, _("Of those that are not so, how many were called so.")),
    )
    with st.container(horizontal=True):
        for name, value, help in numbers:
            st.metric(_(name), number(value, ".2%"), help=_(help), width=150)
    st.caption(
        _(
            "{true_positives:,} found, {false_negatives:,} missed, {false_positives:,} false alarms, "
            "{true_negatives:,} rightly left alone.",
            true_positives=here.true_positives,
            false_negatives=here.false_negatives,
            false_positives=here.false_positives,
            true_negatives=here.true_negatives,
        )
    )
    curve, found = _curves(key, label, positive, scores)
    left, right = st.columns(2)
    with left:
        figures.roc(curve, here).show()
    with right:
        figures.precision_recall(curve, here).show()
    left, right = st.columns(2)
    with left:
        figures.reliability(found).show()
    with right:
        st.markdown(_("**Calibration as a table**"))
        show_table(
            pd.DataFrame(
                [
                    {
                        N_("probability from"): each.low,
                        N_("to"): each.high,
                        N_("texts"): each.n,
                        N_("mean probability"): round(each.probability, 3),
                        N_("share of the class"): round(each.share, 3),
                    }
                    for each in found.bins
                ]
            ),
            hide_index=True,
            width="stretch",
        )
    with st.expander(_("The curves as a table"), icon=":material/table:"):
        table = pd.DataFrame(
            {
                N_("threshold"): curve.thresholds[1:],
                N_("precision"): curve.precision[1:],
                N_("recall"): curve.recall[1:],
                N_("false alarms"): curve.false_alarms[1:],
            }
        ).round(5)
        show_table(table, hide_index=True, width="stretch")


@st.cache_data(max_entries=64, show_spinner=False)
def _curves(key: str, label: int, _positive: np.ndarray, _scores: np.ndarray) -> tuple[ThresholdCurve, Calibration]:
    return metrics.threshold_curve(_positive, _scores), calibration(_positive, _scores)


def _choose_cell(row: int, column: int) -> None:
    st.session_state[_CELL] = (row, column)


def _confusion(key: str, split: Split, said: np.ndarray) -> None:
    test, names, predicted = split.test, split.test.label_names, said.argmax(1)
    counts = confusion_matrix(test.labels, predicted.tolist(), len(names))
    wrong = [(row, column) for row in range(len(names)) for column in range(len(names)) if row != column]
    worst = max(wrong, key=lambda place: counts[place])
    chosen = st.session_state.get(_CELL)
    if not (isinstance(chosen, tuple) and max(chosen) < len(names)):
        chosen = worst
    summary = _("{trace:,} of {sum:,} test texts are called rightly.", trace=np.trace(counts), sum=counts.sum())
    if len(names) <= MAX_CLASSES:
        confusion_grid(
            counts,
            names,
            key=f"test-confusion:{key}",
            title=_("Test texts: what they are, what they were called"),
            summary=summary,
            selected=chosen,
            on_click=_choose_cell,
        )
    else:
        chosen = worst
        show_table(pd.DataFrame(counts, index=list(names), columns=list(names)), width="stretch")
    is_class, called = chosen
    rows = sorted(
        (
            (float(said[row, called]), test.texts[row])
            for row in range(len(test))
            if test.labels[row] == is_class and predicted[row] == called
        ),
        reverse=True,
    )
    st.text(cell_told(len(rows), names[is_class], names[called]))
    if rows:
        table = [
            {N_("probability (%)"): round(100 * p, 1), N_("text"): shortened(text)} for p, text in rows[:MOST_TEXTS]
        ]
        show_table(
            pd.DataFrame(table),
            hide_index=True,
            width="stretch",
            column_config={N_("probability (%)"): st.column_config.NumberColumn(width="small")},
        )
        st.caption(
            _("The surest first")
            + (_(", {most_texts} of them.", most_texts=MOST_TEXTS) if len(rows) > MOST_TEXTS else ".")
        )
