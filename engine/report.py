"""The report card of a run: what it was, what it was made of, what it reached, as one printable HTML page.

A model without its card is a number without a unit: loss says something only beside the data, the baselines and the
samples (Mitchell et al. 2019, "Model cards for model reporting"). `report_card` gathers a run's record into plain
sections, whatever its job; `engine.report_page.to_html` writes them as a page. Words and numbers are the reader's; the
settings stand as the code has them, so that they can be copied.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.language import N_, _, moment, number, retold
from engine.ngram import BASELINES
from engine.runs.names import JOBS, STATES
from engine.runs.records import PRETRAINING, Curve, RecordedEvent, RunRecord

SAMPLE_STEPS = 4
"""At so many steps of the training its samples are shown."""

_TITLES = {
    "train_loss": N_("training loss"),
    "validation_loss": N_("validation loss"),
    "train_accuracy": N_("training accuracy"),
    "validation_accuracy": N_("validation accuracy"),
    "exact_match": N_("exact match"),
    "bleu": "BLEU",
    "bits_per_byte": N_("bits per byte"),
}
_COUNTED = {
    "n_train": N_("train"),
    "n_held_out": N_("held out"),
    "overlap": N_("overlap"),
    "new_words": N_("new words"),
    "n_vocab": N_("vocabulary"),
    "n_copies": N_("copies"),
    "n_unbalanced": N_("left out for balance"),
    "n_cut": N_("texts cut short"),
    "n_trainable": N_("trainable"),
}
_SHARES = {"train_accuracy", "validation_accuracy", "exact_match"}
_LOSSES = {"train_loss", "validation_loss"}
_NOT_MEASURED = {"step", "tokens", "seconds", "perplexity", *_LOSSES}


@dataclass(frozen=True)
class Facts:
    """Names and values, side by side; `large` ones head the card."""

    title: str
    rows: tuple[tuple[str, str], ...]
    large: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column names the row. `note` stands beneath."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Lines:
    """A chart: named series of (x, y), and levels drawn as horizontal lines with their names."""

    title: str
    x: str
    y: str
    series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Samples:
    """What the model wrote after each prompt: (prompt, ((step, text), …))."""

    title: str
    prompts: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]


Section = Facts | Table | Lines | Samples


@dataclass(frozen=True)
class Card:
    """A title, a line beneath it, and the sections in order."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class CopiedRow:
    """How much of some texts stands in the training text.

    `share` (0 to 1) of their words is in spans of `least` words or more; `longest`: the median of their longest spans.
    """

    name: str
    n_words: int
    share: float
    longest: int
    least: int


def report_card(
    record: RunRecord,
    curve: Curve,
    events: Sequence[RecordedEvent],
    *,
    n_parameters: int | None = None,
    copied: Sequence[CopiedRow] = (),
    titles: Mapping[str, str] | None = None,
) -> Card:
    """Everything a run's record says, as a card.

    `events` are those of the kinds baselines, sample, pairs, labelled and translations; others are passed over.
    `copied` comes from `engine.memorised`; `titles` says what learners call a source.
    """
    names = dict(titles or {})
    last = curve.evaluations[-1] if curve.evaluations else {}
    by_kind: dict[str, list[RecordedEvent]] = {}
    for event in events:
        by_kind.setdefault(event.kind, []).append(event)
    counted = next((by_kind[kind][0].payload for kind in ("pairs", "labelled") if kind in by_kind), {})
    baselines = _baselines(by_kind)
    sections: list[Section | None] = [
        _reached(record, curve, last, n_parameters or counted.get("n_parameters")),
        _losses(curve, baselines),
        _other_curves(curve),
        _by_source(last, names),
        _against_baselines(last, baselines),
        _confusion(last, counted),
        _translations(by_kind.get("translations", [])),
        _copied(copied),
        _samples(by_kind.get("sample", [])),
        _data(record, counted, names),
        _settings(record),
    ]
    subtitle = _(
        "{job} run {run_id} · {state} · begun {when}",
        job=_(JOBS.get(record.job, record.job)),
        run_id=record.run_id,
        state=_(STATES.get(record.state, record.state)),
        when=moment(datetime.fromtimestamp(record.created_at, UTC)),
    )
    return Card(retold(record.label) or _("Run"), subtitle, tuple(each for each in sections if each is not None))


def _reached(record: RunRecord, curve: Curve, last: Mapping[str, Any], n_parameters: int | None) -> Facts:
    rows = []
    if last:
        loss = float(last["validation_loss"])
        unit = {"classification": _("nats per text")}.get(record.job, _("nats per token"))
        rows.append((_("validation loss ({unit})", unit=unit), number(loss, ".3f")))
        if record.job == PRETRAINING:
            rows.append((_("perplexity"), number(math.exp(min(loss, 700)), ",.2f")))
        rows += [(_title(name), _measure(name, value)) for name, value in _measured(last)]
    if n_parameters:
        rows.append((_("parameters"), number(n_parameters)))
    total = (
        _(" of {total_steps:,}", total_steps=record.total_steps)
        if record.total_steps and record.total_steps != record.step
        else ""
    )
    rows.append((_("steps"), f"{number(record.step)}{total}"))
    if curve.steps:
        rows.append((_("tokens seen"), number(int(curve.steps[-1]["tokens"]))))
    rows.append((_("training time"), duration(record.seconds)))
    return Facts(_("What it reached"), tuple(rows), large=True)


def _measured(evaluation: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The numbers of an evaluation besides its losses."""
    return [
        (name, float(value))
        for name, value in evaluation.items()
        if name not in _NOT_MEASURED and isinstance(value, (int, float)) and not isinstance(value, bool)
    ]


def _title(name: str) -> str:
    return _(_TITLES.get(name, name.replace("_", " ")))


def _measure(name: str, value: float) -> str:
    return number(value, ".1%" if name in _SHARES else ".3f" if abs(value) < 10 else ".1f")


def _baselines(by_kind: Mapping[str, list[RecordedEvent]]) -> dict[str, float]:
    payload = by_kind["baselines"][-1].payload if "baselines" in by_kind else {}
    return {name: float(payload[name]) for name in BASELINES if name in payload}


def _named(baselines: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple((_(name), loss) for name, loss in baselines.items())


def _points(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[tuple[float, float], ...]:
    found = ((row["step"], row.get(name)) for row in rows)
    return tuple((float(step), float(y)) for step, y in found if y is not None and math.isfinite(y))


def _losses(curve: Curve, baselines: Mapping[str, float]) -> Lines | None:
    series = (
        (_("training"), _points(curve.steps, "loss")),
        (_("validation"), _points(curve.evaluations, "validation_loss")),
    )
    drawn = tuple((name, points) for name, points in series if points)
    if not drawn:
        return None
    return Lines(_("Loss during training"), _("training step"), _("loss (nats)"), drawn, _named(baselines))


def _other_curves(curve: Curve) -> Lines | None:
    """What evaluations measure in per cent: accuracies, exact match, BLEU."""
    names = [name for name in (*sorted(_SHARES), "bleu") if any(name in each for each in curve.evaluations)]
    if not names:
        return None
    series = []
    for name in names:
        factor = 100 if name in _SHARES else 1
        series.append((_title(name), tuple((x, factor * y) for x, y in _points(curve.evaluations, name))))
    return Lines(_("Quality during training"), _("training step"), _("per cent (BLEU: 0 to 100)"), tuple(series))


def _by_source(last: Mapping[str, Any], names: Mapping[str, str]) -> Table | None:
    if "bits_per_byte" not in last:
        return None
    rows = [
        _source_row(names.get(each["name"], each["name"]), each["validation_loss"], each["bits_per_byte"])
        for each in last.get("sources", ())
    ]
    rows.append(_source_row(_("all of it"), last["validation_loss"], last["bits_per_byte"]))
    return Table(
        _("How well it predicts text it never read"),
        (_("held-out text"), _("loss (nats per token)"), _("perplexity"), _("bits per byte")),
        tuple(rows),
        _("Only bits per byte can be compared between models with different tokenizers."),
    )


def _source_row(name: str, loss: float, bits: float | None) -> tuple[str, ...]:
    perplexity = number(math.exp(min(loss, 700)), ",.2f")
    return name, number(loss, ".3f"), perplexity, "–" if bits is None else number(bits, ".3f")


def _against_baselines(last: Mapping[str, Any], baselines: Mapping[str, float]) -> Table | None:
    if not baselines or not last:
        return None
    own = float(last["validation_loss"])
    rows = [
        (name, number(loss, ".3f"), number(math.exp(min(loss, 700)), ",.1f"), number(own - loss, "+.3f"))
        for name, loss in _named(baselines)
    ]
    rows.append((_("this model"), number(own, ".3f"), number(math.exp(min(own, 700)), ",.1f"), "–"))
    return Table(
        _("Beside models that only count"),
        (_("model"), _("loss (nats per token)"), _("perplexity"), _("this model, in comparison (nats)")),
        tuple(rows),
        _(
            "n-gram models of the same training text with Kneser–Ney smoothing, measured on the same held-out tokens; "
            "uniform gives every token the same probability."
        ),
    )


def _confusion(last: Mapping[str, Any], counted: Mapping[str, Any]) -> Table | None:
    matrix = last.get("confusion")
    if not matrix:
        return None
    names = list(counted.get("label_names") or [_("class {n}", n=n) for n in range(len(matrix))])
    rows = [
        (name, *map(number, row), number(row[at] / sum(row), ".1%") if sum(row) else "–")
        for at, (name, row) in enumerate(zip(names, matrix, strict=False))
    ]
    return Table(
        _("What it called the validation texts"),
        (_("label"), *(_("called {name}", name=name) for name in names), _("right")),
        tuple(rows),
        _("A row is what the texts are, a column what the model called them."),
    )


def _translations(events: Sequence[RecordedEvent]) -> Table | None:
    if not events:
        return None
    rows = [
        (each["source"], each["reference"], each["text"], _("yes") if each["right"] else _("no"))
        for each in events[-1].payload["translations"]
    ]
    return Table(
        _("Sentences it never read"),
        (_("English"), _("phrasebook"), _("model at step {step:,}", step=events[-1].step), _("same")),
        tuple(rows),
    )


def _copied(copied: Sequence[CopiedRow]) -> Table | None:
    if not copied:
        return None
    least = copied[0].least
    return Table(
        _("Memorised or generalised"),
        (
            _("text"),
            _("words searched"),
            _("in copied spans of {least} words or more", least=least),
            _("longest span (words, median)"),
        ),
        tuple((row.name, number(row.n_words), number(row.share, ".1%"), number(row.longest)) for row in copied),
        _(
            "Copied means: stands word for word in the training text. Held-out text is real text that was not trained "
            "on: what it shares with the training text is usual, not copied."
        ),
    )


def _samples(events: Sequence[RecordedEvent]) -> Samples | None:
    """The samples of the first step, the last and some between, on a scale that shows the early ones."""
    by_step: dict[int, dict[str, str]] = {}
    for event in events:
        by_step.setdefault(event.step, {})[event.payload["prompt"]] = event.payload["text"]
    steps = spread(sorted(by_step), SAMPLE_STEPS)
    if not steps:
        return None
    prompts = list(dict.fromkeys(prompt for step in steps for prompt in by_step[step]))
    return Samples(
        _("What it wrote on the way"),
        tuple(
            (prompt, tuple((step, by_step[step][prompt]) for step in steps if prompt in by_step[step]))
            for prompt in prompts
        ),
    )


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most `most` of the sorted steps, the first and the last among them, denser where training begins.

    >>> spread([0, 10, 20, 30, 40, 50, 60, 70, 80], 4)
    [0, 10, 30, 80]
    """
    if len(steps) <= most:
        return list(steps)
    last = len(steps) - 1
    places = {0, last, *(round((last + 1) ** (n / (most - 1))) - 1 for n in range(1, most - 1))}
    for place in range(last):  # where two fell on one place, the next ones step in
        if len(places) >= most:
            break
        places.add(place)
    return [steps[place] for place in sorted(places)]


def _data(record: RunRecord, counted: Mapping[str, Any], names: Mapping[str, str]) -> Table | Facts | None:
    corpora = record.config_dict.get("corpora")
    if corpora:
        rows = tuple((names.get(name, name), number(weight, ".0%")) for name, weight in corpora)
        n_chars, kept = record.config_dict.get("n_chars"), record.config_dict.get("validation_fraction", 0)
        length = _("{n_chars:,} characters", n_chars=n_chars) if n_chars else _("all of it")
        note = _("Read: {length}; {kept:.0%} of it was kept aside for validation.", length=length, kept=kept)
        return Table(_("What it was trained on"), (_("text"), _("share")), rows, note)
    facts = [
        (_(_COUNTED.get(name, name.removeprefix("n_").replace("_", " "))), number(value))
        for name, value in counted.items()
        if isinstance(value, int) and name not in ("step", "n_parameters")
    ]
    for part, counts in counted.get("counts", {}).items():
        labels = counted.get("label_names", [])
        facts.append(
            (
                _("{part} texts", part=_(part)),
                ", ".join(f"{label} {number(n)}" for label, n in zip(labels, counts, strict=False)),
            )
        )
    return Facts(_("What it was trained on"), tuple(facts)) if facts else None


def _settings(record: RunRecord) -> Facts:
    rows: list[tuple[str, str]] = []
    for name, value in record.config_dict.items():
        if name == "corpora":
            continue
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", _setting(each)) for inner, each in value.items()]
        else:
            rows.append((name, _setting(value)))
    return Facts(_("All settings"), tuple(rows))


def _setting(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(repr(each) if isinstance(each, str) else str(each) for each in value)
    return str(value)


def duration(seconds: float) -> str:
    """Seconds as a learner says them: `duration(3725) -> "1 h 2 min"`."""
    if seconds < 60:
        return number(seconds, ".0f") + " s"
    minutes = round(seconds / 60)
    return (
        _("{minutes} min", minutes=minutes)
        if minutes < 60
        else _("{minutes} h {minutes_2} min", minutes=minutes // 60, minutes_2=minutes % 60)
    )
