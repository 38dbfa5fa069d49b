"""What a run's model does at each of its checkpoints, computed once for everybody and kept.

Three caches, by what they depend on: what is written after a prompt, how a text is read, and where the tokens' vectors
lie. `Moment` is a checkpoint's place in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine import anatomy, embedding, inspection
from engine.checkpoint import Checkpoint
from engine.evaluation import token_probabilities
from engine.generation import SamplingConfig, generate, next_logits, next_token_distribution, top_candidates
from engine.offsets import TokenSpans, token_spans
from engine.runs.records import CheckpointInfo
from pages.parts.embeddings.source import token_text
from pages.shared.models import ModelChoice, inference, load
from pages.shared.viewer import lab

SAMPLE_TOKENS = 40
N_BARS = 8
LENS_TOP = 3
N_POINTS = 220
FAMILIES = embedding.FAMILIES
_GREEDY = SamplingConfig(temperature=0.0)
_DICE = SamplingConfig(temperature=0.8, top_k=50, seed=0)


@dataclass(frozen=True)
class Moment:
    """A checkpoint of a run; with `home`, the data folder, it names one model and no other."""

    run_id: str
    info: CheckpointInfo
    home: str

    @property
    def choice(self) -> ModelChoice:
        """The model, as the shared caches know it."""
        return ModelChoice(self.run_id, self.info.step, "")

    @property
    def key(self) -> str:
        """Changes when the run was started over and has another model at this step."""
        return f"{self.choice.key}:{self.info.seconds}:{self.home}"


@dataclass(frozen=True)
class Written:
    """What a model writes after a prompt, and its most probable next tokens there: pairs of text and probability."""

    text: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Looked:
    """A short text inside a model: maps (L, H, T, T) float32, and the lens (engine.anatomy.Lens)."""

    maps: np.ndarray
    lens: anatomy.Lens


@dataclass(frozen=True)
class Surprised:
    """A text as a model read it: its tokens' places and probabilities (T,), NaN for the first."""

    spans: TokenSpans
    probabilities: np.ndarray


@dataclass(frozen=True)
class Named:
    """Tokens to draw on the map: their ids, their texts, and which of `FAMILIES` each belongs to."""

    ids: np.ndarray
    texts: tuple[str, ...]
    groups: tuple[int, ...]


def moments_of(run_id: str) -> list[Moment]:
    """The checkpoints of a run by step, those so far while it is in training."""
    home = str(lab().settings.home)
    return [Moment(run_id, info, home) for info in lab().checkpoints(run_id)]


@st.cache_resource(max_entries=600, show_spinner=False)
def _written(key: str, prompt: str, greedy: bool, _checkpoint: Checkpoint) -> Written:
    model, tokenizer = _checkpoint.model, _checkpoint.tokenizer
    with inference():
        ids = tokenizer.encode(prompt)
        steps = generate(model, tokenizer, ids, SAMPLE_TOKENS, _GREEDY if greedy else _DICE)
        text = "".join(step.text for step in steps)
        logits = next_logits(model, ids)[: tokenizer.n_vocab]
    base = next_token_distribution(logits, SamplingConfig()).base
    top = tuple((each.text, each.probability) for each in top_candidates(base, tokenizer, N_BARS))
    return Written(text, top)


def written(moment: Moment, prompt: str, *, greedy: bool) -> Written:
    """What the model of this moment writes; with `greedy` always the likeliest token, else with the same dice."""
    return _written(moment.key, prompt, greedy, load(moment.choice))


@st.cache_resource(max_entries=600, show_spinner=False)
def _looked(key: str, ids: tuple[int, ...], _checkpoint: Checkpoint) -> Looked:
    with inference():
        trace, _ = inspection.trace_of(_checkpoint.model, ids)
        return Looked(inspection.attention_maps(trace), anatomy.logit_lens_top(_checkpoint.model, trace, LENS_TOP))


def looked(moment: Moment, ids: tuple[int, ...]) -> Looked:
    """What happens inside the model of this moment while it reads a few tokens."""
    return _looked(moment.key, ids, load(moment.choice))


@st.cache_resource(max_entries=600, show_spinner=False)
def _surprised(key: str, text: str, _checkpoint: Checkpoint) -> Surprised:
    spans = token_spans(text, _checkpoint.tokenizer)
    with inference():
        return Surprised(spans, token_probabilities(_checkpoint.model, spans.ids.tolist()))


def surprised(moment: Moment, text: str) -> Surprised:
    """How probable the model of this moment found each token of a text."""
    return _surprised(moment.key, text, load(moment.choice))


@st.cache_resource(max_entries=24, show_spinner=False)
def _named(key: str, _checkpoint: Checkpoint) -> Named:
    tokenizer = _checkpoint.tokenizer
    texts = [token_text(tokenizer, i) for i in range(tokenizer.n_vocab)]
    whole = [i for i, text in enumerate(texts) if len(text) > 3 and text[0] == " " and text[1:].isalpha()]
    known = [i for i in whole if embedding.family_of(texts[i]) != FAMILIES[-1]]
    ids = list(dict.fromkeys([*known[: N_POINTS // 2], *whole]))[:N_POINTS]
    if len(ids) < N_POINTS // 4:  # characters or bytes: there are no words
        ids = list(range(min(len(texts), N_POINTS)))
    groups = tuple(FAMILIES.index(embedding.family_of(texts[i])) for i in ids)
    return Named(np.array(ids, dtype=np.int64), tuple(texts[i] for i in ids), groups)


def named(moment: Moment) -> Named:
    """The tokens that the map shows: whole words, those of the stories' word lists first.

    Of both kinds the ones with the lowest ids, which a BPE learned first because their parts were frequent.
    """
    return _named(moment.key, load(moment.choice))


@st.cache_data(max_entries=600, show_spinner=False)
def _places(key: str, last_key: str, _moment: Moment, _last: Moment) -> np.ndarray:
    ids = named(_last).ids
    frame, vectors = (embedding.token_directions(load(each.choice).model, ids) for each in (_last, _moment))
    return embedding.project_into(frame, vectors, 2)[0]


def places(moment: Moment, last: Moment) -> np.ndarray:
    """Where the named tokens lie (n, 2), on the two axes of largest spread at the run's last checkpoint."""
    return _places(moment.key, last.key, moment, last)
