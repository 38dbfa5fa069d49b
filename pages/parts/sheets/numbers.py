"""Numbers to expect in each lesson, measured on this server when they are asked for: nothing here is typed in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np
import streamlit as st

from engine.corpus import list_corpora
from engine.errors import EngineError
from engine.gpt import GPTConfig
from engine.inspection import HEAD_LABELS, head_scores
from engine.language import N_, _, language, number
from engine.runs.records import RunRecord
from engine.scaling import count_parameters, training_flops
from engine.tokenizer import official_encoding
from pages.shared.charts import percent, visible_token
from pages.shared.examples import example_foundation, example_run, example_translator
from pages.shared.models import ModelChoice, inference, load
from pages.shared.run_data import run_name
from pages.shared.sentence import DEFAULT, traced
from pages.shared.viewer import lab

_log = logging.getLogger("llm_lessons.pages")
PROMPT = N_("The lion is in the")
Numbers = Iterator[tuple[str, str]]


def numbers_of(lesson: str) -> tuple[tuple[str, str], ...]:
    """What and how much, for a lesson; empty where nothing here can be measured."""
    measure = _MEASURES.get(lesson)
    if measure is None:
        return ()
    stamp = ",".join(sorted(f"{run.run_id}:{run.step}" for run in lab().runs(None) if not run.live)[:200])
    return _measured(lesson, stamp, language())


@st.cache_data(max_entries=64, show_spinner=N_("Measuring …"))
def _measured(lesson: str, stamp: str, spoken: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    try:
        found.extend(_MEASURES[lesson]())
    except (EngineError, OSError):
        _log.exception("the numbers of %s could not be measured", lesson)
    return tuple(found)


def _foundation() -> ModelChoice | None:
    run_id = example_foundation() or example_run()
    if run_id is None or not (steps := [each.step for each in lab().checkpoints(run_id)]):
        return None
    return ModelChoice(run_id, steps[-1], run_name(lab().run(run_id)))


def _last_evaluation(run_id: str) -> dict[str, object]:
    found = lab().events(run_id, kinds=["eval"])
    return dict(found[-1].payload) if found else {}


def _reached(run: RunRecord) -> Numbers:
    last = _last_evaluation(run.run_id)
    yield _("{run_name}: steps, training time", run_name=run_name(run)), f"{number(run.step)}, {_time(run.seconds)}"
    for name, title in (("validation_loss", _("validation loss")), ("perplexity", "perplexity")):
        if name in last:
            yield f"{run_name(run)}: {title}", number(last[name], ".2f")
    if last.get("bits_per_byte") is not None:
        yield _("{run_name}: bits per byte", run_name=run_name(run)), number(last["bits_per_byte"], ".2f")


def _time(seconds: float) -> str:
    return (
        f"{number(seconds / 3600, '.1f')} h"
        if seconds >= 7200
        else _("{seconds:.0f} min", seconds=seconds / 60)
        if seconds >= 120
        else f"{number(seconds, '.0f')} s"
    )


def _shipped() -> Numbers:
    for run_id in dict.fromkeys((example_run(), example_foundation())):
        if run_id is not None:
            yield from _reached(lab().run(run_id))


def _data() -> Numbers:
    for info in list_corpora():
        if info.available and info.n_chars:
            yield _("{title}: characters", title=info.title), number(info.n_chars)


def _tokenization() -> Numbers:
    for name in ("gpt2", "cl100k_base", "o200k_base"):
        encoding = official_encoding(name)
        yield _("{name}: entries of the vocabulary", name=name), number(encoding.n_vocab)
        yield _("{name}: tokens of “{default}”", name=name, default=DEFAULT), str(len(encoding.encode(DEFAULT)))
    choice = _foundation()
    if choice is not None:
        tokenizer = load(choice).tokenizer
        yield _("{title}: entries of the vocabulary", title=choice.title), number(tokenizer.n_vocab)
        yield (
            _("{title}: tokens of “{default}”", title=choice.title, default=DEFAULT),
            str(len(tokenizer.encode(DEFAULT))),
        )


def _shape() -> Numbers:
    choice = _foundation()
    if choice is None:
        return
    config = load(choice).model.config
    yield _("{title}: context length in tokens", title=choice.title), number(config.context_length)
    yield _("{title}: numbers in a token's vector", title=choice.title), number(config.d_model)
    yield _("{title}: layers × heads", title=choice.title), f"{config.n_layers} × {config.n_heads}"


def _embeddings() -> Numbers:
    yield from _shape()
    choice = _foundation()
    if choice is not None:
        config = load(choice).model.config
        yield _("Numbers in its table of token vectors"), number(config.vocab_size * config.d_model)


def _pretraining() -> Numbers:
    run_id = example_run() or example_foundation()
    if run_id is None:
        return
    found = lab().events(run_id, kinds=["baselines"])
    for name in ("uniform", "unigram", "bigram", "trigram"):
        if found and name in found[-1].payload:
            yield _("Loss of the {name} baseline", name=name), number(found[-1].payload[name], ".2f")
    first = lab().events(run_id, kinds=["eval"])
    if first:
        yield (
            _("Loss at step {step:,}", step=first[0].payload["step"]),
            number(first[0].payload["validation_loss"], ".2f"),
        )
    yield from _reached(lab().run(run_id))


def _scaling() -> Numbers:
    for name in ("gpt2", "gpt2-xl", "gpt3"):
        total = count_parameters(GPTConfig.preset(name)).total
        yield _("{name}: parameters", name=name), number(total)
    total = count_parameters(GPTConfig.preset("gpt3")).total
    yield _("gpt3: operations to train it on 300 billion tokens (6 N D)"), number(training_flops(total, 300e9), ".2e")


def _foundation_numbers() -> Numbers:
    choice = _foundation()
    if choice is None:
        return
    yield _("{title}: parameters", title=choice.title), number(count_parameters(load(choice).model.config).total)
    yield from _reached(lab().run(choice.run_id))
    for source in _last_evaluation(choice.run_id).get("sources") or ():  # type: ignore[attr-defined]
        yield _("Bits per byte on {name}", name=source["name"]), number(source["bits_per_byte"], ".2f")


def _attention() -> Numbers:
    choice = _foundation()
    if choice is None:
        return
    yield from _shape()
    checkpoint = load(choice)
    ids = checkpoint.tokenizer.encode(DEFAULT)[: checkpoint.model.config.context_length]
    yield _("Tokens of “{default}”", default=DEFAULT), str(len(ids))
    with inference():
        scores = head_scores(checkpoint.model, ids)
    for place, label in enumerate(HEAD_LABELS):
        layer, head = np.unravel_index(int(scores.values[:, :, place].argmax()), scores.values.shape[:2])
        value = float(scores.values[layer, head, place])
        yield (
            _("Strongest head for “{label}”, and its share", label=label),
            _("layer {layer}, head {head}: {value:.2f}", layer=layer + 1, head=head + 1, value=value),
        )


def _transformer() -> Numbers:
    choice = _foundation()
    if choice is None:
        return
    yield from _shape()
    counts = count_parameters(load(choice).model.config)
    for name, title in (("token_embedding", _("token embedding")), ("attention", "attention"), ("mlp", "MLPs")):
        yield _("Parameters: {title}", title=title), number(getattr(counts, name))
    yield _("Parameters in all"), number(counts.total)


def _next_tokens() -> Numbers:
    choice = _foundation()
    if choice is None:
        return
    checkpoint = load(choice)
    ids = tuple(checkpoint.tokenizer.encode(PROMPT))
    logits = np.asarray(traced(choice, ids)[1])[-1, : checkpoint.tokenizer.n_vocab].astype(np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    for place, token in enumerate(np.argsort(-shares)[:4], start=1):
        text = checkpoint.tokenizer.token_bytes(int(token)).decode("utf-8", "replace")
        yield (
            _("“{prompt}”: next token number {place}", prompt=PROMPT, place=place),
            f"{visible_token(text)} {percent(float(shares[token]))}",
        )


def _translation() -> Numbers:
    run_id = example_translator()
    if run_id is None:
        return
    run, last = lab().run(run_id), _last_evaluation(run_id)
    yield _("{run_name}: steps, training time", run_name=run_name(run)), f"{number(run.step)}, {_time(run.seconds)}"
    if "exact_match" in last:
        yield _("Sentences translated word for word like the reference"), number(last["exact_match"], ".0%")
    if "bleu" in last:
        yield "BLEU", number(last["bleu"], ".1f")


def _finished(job: str, names: tuple[tuple[str, str, str], ...]) -> Numbers:
    runs = [run for run in lab().runs(job) if run.state == "finished"][:3]
    for run in runs:
        last = _last_evaluation(run.run_id)
        for name, title, form in names:
            if name in last:
                yield f"{run_name(run)}: {title}", format(last[name], form)
        yield _("{run_name}: training time", run_name=run_name(run)), _time(run.seconds)
    if not runs:
        yield _("Finished runs of this kind on this server"), _("none yet: train one before the class")


def _classification() -> Numbers:
    yield from _finished("classification", (("validation_accuracy", _("accuracy on unseen messages"), ".1%"),))


def _instructions() -> Numbers:
    names = (("exact_match", _("answers like the reference"), ".0%"), ("rouge_l", "ROUGE-L", ".2f"))
    yield from _finished("instructions", names)


_MEASURES: dict[str, Callable[[], Numbers]] = {
    "pipeline": _shipped,
    "data": _data,
    "tokenization": _tokenization,
    "embeddings": _embeddings,
    "pretraining": _pretraining,
    "scaling": _scaling,
    "foundation": _foundation_numbers,
    "attention": _attention,
    "transformer": _transformer,
    "journey": _next_tokens,
    "translation": _translation,
    "classification": _classification,
    "instructions": _instructions,
    "generation": _next_tokens,
    "evaluation": _shipped,
}
