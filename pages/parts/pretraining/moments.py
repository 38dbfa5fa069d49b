"""What can be asked of a run's model at each of its checkpoints; `Moment` is a checkpoint's place in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine import embedding
from engine.aside_worker import Call
from engine.checkpoint import Checkpoint
from engine.moments import look_inside, places_of, read_text, write_after
from engine.runs.records import CheckpointInfo
from pages.parts.embeddings.source import token_text
from pages.shared.models import ModelChoice, load, model_named
from pages.shared.sentence import Sentence
from pages.shared.viewer import lab

N_POINTS = 220
FAMILIES = embedding.FAMILIES


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
class Named:
    """Tokens to draw on the map: their ids, their texts, and which of `FAMILIES` each belongs to."""

    ids: np.ndarray
    texts: tuple[str, ...]
    groups: tuple[int, ...]


def moments_of(run_id: str) -> list[Moment]:
    """The checkpoints of a run by step, those so far while it is in training."""
    home = str(lab().settings.home)
    return [Moment(run_id, info, home) for info in lab().checkpoints(run_id)]


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


@dataclass(frozen=True)
class Question:
    """What every checkpoint is asked: the prompt it writes on after, and the short text that it reads (or None)."""

    prompt: str
    greedy: bool
    sentence: Sentence | None


def written(moment: Moment, question: Question) -> Call:
    """What the model of this moment writes after the prompt."""
    return Call(write_after, (model_named(moment.choice), question.prompt, question.greedy))


def looked(moment: Moment, own: Sentence) -> Call:
    """What happens inside the model of this moment while it reads the text."""
    return Call(look_inside, (model_named(moment.choice), own.ids))


def surprised(moment: Moment, own: Sentence) -> Call:
    """How probable the model of this moment found each token of the text."""
    return Call(read_text, (model_named(moment.choice), plain(own)))


def places(moment: Moment, last: Moment) -> Call:
    """Where the named tokens lie (n, 2), on the two axes of largest spread at the run's last checkpoint; and what share
    of the spread these keep.
    """
    ids = tuple(named(last).ids.tolist())
    return Call(places_of, (model_named(moment.choice), model_named(last.choice), ids))


def plain(own: Sentence) -> str:
    """The text without what UTF-8 cannot hold."""
    return own.text.encode("utf-8", "replace").decode("utf-8")


def all_of(moment: Moment, last: Moment, question: Question) -> list[Call]:
    """Everything that the panels of this moment show."""
    calls = [written(moment, question), places(moment, last)]
    if question.sentence is not None:
        calls += [looked(moment, question.sentence), surprised(moment, question.sentence)]
    return calls
