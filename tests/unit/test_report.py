import html as html_module
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import language
from engine.report import Card, CopiedRow, Facts, Lines, Samples, Table, duration, report_card, spread
from engine.report_page import ticks, to_html
from engine.runs.records import Curve, RecordedEvent, RunRecord

NASTY = "<script>alert(1)</script></textarea>\"' & \x00 \u202e \ud800 é 🦁"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Tags in order, text, attributes; fails for a tag that is closed in the wrong place."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def record(**changes) -> RunRecord:
    config = {
        "corpora": [["plays", 0.75], ["stories", 0.25]],
        "model": {"n_layers": 2, "bias": False},
        "training": {"steps": 40, "prompts": ["The lion", NASTY]},
        "n_chars": 40_000,
        "validation_fraction": 0.1,
        "seed": 0,
    }
    values = {
        "run_id": "0123456789abcdef",
        "config_dict": config,
        "state": "finished",
        "label": "My run",
        "note": "",
        "error": "",
        "step": 40,
        "total_steps": 40,
        "seconds_per_step": 0.1,
        "seconds": 125.0,
        "train_loss": 2.0,
        "validation_loss": 2.5,
        "attempt": 1,
        "losses": 0,
        "worker": "",
        "created_at": 0.0,
        "queued_at": 0.0,
        "updated_at": 0.0,
        "started_at": 0.0,
        "finished_at": 0.0,
        "heartbeat_at": 0.0,
    }
    return RunRecord(**{**values, **changes})


def event(kind: str, step: int, **payload) -> RecordedEvent:
    return RecordedEvent(step, kind, step, 0.0, payload)


def pretraining_card(**changes) -> Card:
    steps = [{"step": n, "loss": 5 - n / 20, "tokens": 64 * n} for n in range(1, 41)]
    evaluations = [
        {
            "step": n,
            "tokens": 64 * n,
            "seconds": 1.0,
            "train_loss": None,
            "validation_loss": 5 - n / 16,
            "perplexity": 12.0,
            "bits_per_byte": 1.25,
            "sources": [
                {"name": "plays", "validation_loss": 3.0, "bits_per_byte": 2.0},
                {"name": "stories", "validation_loss": 1.0, "bits_per_byte": 0.5},
            ],
        }
        for n in (0, 20, 40)
    ]
    events = [
        event("baselines", 0, uniform=5.5, unigram=4.0, bigram=3.0, trigram=2.75),
        *(event("sample", n, prompt=p, text=f"text {n} {NASTY}") for n in (0, 20, 40) for p in ("The lion", NASTY)),
    ]
    copied = (CopiedRow("written by the model", 400, 0.125, 9, 8), CopiedRow("held-out: plays", 2000, 0.01, 5, 8))
    return report_card(
        record(**changes),
        Curve(steps, evaluations, [], 1),
        events,
        n_parameters=123_456,
        copied=copied,
        titles={"plays": "Plays & <b>more</b>"},
    )


def test_the_card_of_a_pretraining_has_every_number_of_its_record():
    page = to_html(pretraining_card())
    text = Reader(page).text
    for said in (
        *(
            "My run",
            "validation loss (nats per token) 2.500",
            "12.18",
            "1.250",
            "123,456",
            "2,560",
            "2 min",
            "0123456789abcdef",
        ),
        *("Plays & <b>more</b>", "3.000", "20.09", "2.000"),
        *("uniform", "5.500", "-3.000", "trigram", "-0.250"),
        *("12.5%", "1.0%", "written by the model", "400"),
        *("text 0", "text 20", "text 40", "step 20"),
        *("model.n_layers", "75%", "40,000 characters", "10% of it was kept aside"),
    ):
        assert said in text, said


def test_every_text_is_escaped_and_the_page_is_well_formed():
    page = to_html(pretraining_card(label=NASTY))
    reader = Reader(page)
    assert reader.open == []
    assert not {"script", "textarea", "iframe", "img", "link", "b"} & set(reader.tags)
    assert "alert(1)" in reader.text and "\\u202e" in reader.text
    assert not set("\x00\u202e\ud800") & set(page)
    page.encode("utf-8")


def test_the_page_needs_nothing_else():
    page = to_html(pretraining_card())
    assert "default-src 'none'" in page
    names = {name for name, _ in Reader(page).attributes}
    assert not names & {"src", "href", "srcset", "action"} and not any(name.startswith("on") for name in names)
    assert "url(" not in page and "@import" not in page


def test_the_curves_are_svg_with_every_point_inside_the_picture():
    page = to_html(pretraining_card())
    (picture,) = re.findall(r"<svg.*?</svg>", page, re.S)
    root = ElementTree.fromstring(picture)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    lines = root.findall("polyline")
    assert len(lines) == 2
    assert len(lines[0].attrib["points"].split()) == 40 and len(lines[1].attrib["points"].split()) == 3
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width and 0 <= y <= height
    assert "training from 4.95 to 3" in root.attrib["aria-label"]


def test_the_card_of_a_translation_shows_its_measures_and_sentences():
    evaluations = [
        {
            "step": n,
            "tokens": n,
            "seconds": 1.0,
            "train_loss": 1.0,
            "validation_loss": 0.5,
            "exact_match": n / 10,
            "bleu": 50.0,
        }
        for n in (0, 9)
    ]
    events = [
        event("pairs", 0, n_train=900, n_held_out=100, n_parameters=77),
        event(
            "translations", 9, translations=[{"source": "A <b>", "reference": "Ein", "text": "Eine", "right": False}]
        ),
    ]
    run = record(config_dict={"job": "translation", "language": "german", "training": {"steps": 9}})
    card = report_card(run, Curve([{"step": 1, "loss": 1.0, "tokens": 5}], evaluations, [], 1), events)
    text = Reader(to_html(card)).text
    for said in ("exact match", "90.0%", "BLEU", "50.0", "A <b>", "Eine", "no", "77", "900", "german"):
        assert said in text, said
    assert any(isinstance(each, Lines) and each.title == "Quality during training" for each in card.sections)
    assert "perplexity" not in text and "held-out text" not in text


def test_the_card_of_a_classification_shows_its_confusion():
    evaluation = {
        "step": 5,
        "tokens": 9,
        "seconds": 1.0,
        "train_loss": 0.1,
        "validation_loss": 0.2,
        "train_accuracy": 0.99,
        "validation_accuracy": 0.9,
        "confusion": [[8, 2], [0, 10]],
    }
    counted = {"label_names": ["ham", "spam <i>"], "counts": {"train": [80, 20]}, "n_parameters": 5, "n_trainable": 2}
    run = record(config_dict={"job": "classification", "data": "sms-spam", "training": {}})
    card = report_card(run, Curve([], [evaluation], [], 1), [event("labelled", 0, **counted)])
    (table,) = [each for each in card.sections if isinstance(each, Table)]
    assert table.rows == (("ham", "8", "2", "80.0%"), ("spam <i>", "0", "10", "100.0%"))
    text = Reader(to_html(card)).text
    for said in ("validation accuracy", "90.0%", "validation loss (nats per text) 0.200", "called spam <i>", "ham 80"):
        assert said in text, said


def test_a_run_without_an_evaluation_still_has_a_card():
    card = report_card(record(step=0, label=""), Curve([], [], [], 1), [])
    assert [type(each) for each in card.sections] == [Facts, Table, Facts]
    assert card.title == "Run" and "1 January 1970" in to_html(card)


@given(st.text(max_size=40))
def test_any_text_can_stand_on_a_card(text):
    card = Card(text, text, (Table(text, (text, "b"), ((text, text),), text), Samples(text, ((text, ((1, text),)),))))
    reader = Reader(to_html(card))
    assert reader.open == [] and "script" not in reader.tags


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=1).map(sorted), st.integers(2, 6))
def test_samples_are_of_the_first_and_the_last_step_and_of_some_between(steps, most):
    found = spread(steps, most)
    assert found == sorted(set(found)) and set(found) <= set(steps)
    assert found[0] == steps[0] and found[-1] == steps[-1]
    assert len(found) == min(most, len(steps))


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3725, "1 h 2 min")])
def test_durations_are_said_in_words(seconds, said):
    assert duration(seconds) == said


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_enclose_the_range(low, size):
    found = ticks(low, low + size, 6)
    assert found[0] <= low + 1e-6 * size and found[-1] >= low + size - 1e-6 * size
    assert 2 <= len(found) <= 9
    assert html_module.escape("".join(map(str, found)))


def test_a_card_for_a_french_reader_has_french_words_and_numbers(monkeypatch):
    monkeypatch.setattr(language, "_readers_language", lambda: "fr")
    page = to_html(pretraining_card())
    text = Reader(page).text
    assert '<html lang="fr">' in page and "<title>Bulletin\u00a0: My run</title>" in page
    for said in (
        "(préentraînement) · terminé · commencé le 1 janvier 1970, 00:00 UTC",
        "perte de validation (nats par token) 2,500",
        "paramètres 123 456",
        "trigramme 2,750",
        "12,5 %",
        "Après ",
        "pas 40",
    ):
        assert said in text, said
    assert not re.search(
        r"\d\.\d|\b(of|and|steps|seen|begun)\b", text[text.index("commencé") : text.index("training.steps")]
    )
