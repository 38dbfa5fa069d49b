"""The open models that are here: GPT-2 folders in one place, each ready to use with its vocabulary.

A model is fetched in a process of its own, which notes how far it is in a small file: whoever opens the page sees it,
and a refresh loses nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import psutil  # type: ignore[import-untyped]
from torch import Tensor

from engine.bpe import N_BYTES
from engine.checkpoint import OWN_TOKENIZER, Checkpoint, export_gpt2, load_gpt2
from engine.corpus import load_corpus
from engine.errors import CheckpointError, EngineError
from engine.hub import SOURCE_FILE, WEIGHTS, FetchProgress, fetch, folder_name
from engine.language import N_, _
from engine.settings import Settings
from engine.tokenizer import OfficialTokenizer, Tokenizer, load_tokenizer
from engine.windows import evaluation_windows

OPEN_TEXT = "stories"
KNOWN = {
    "openai-community/gpt2": N_("GPT-2 small, 124 million parameters"),
    "distilbert/distilgpt2": N_("DistilGPT-2, 82 million: six layers that learned from GPT-2 small"),
    "openai-community/gpt2-medium": N_("GPT-2 medium, 355 million"),
    "openai-community/gpt2-large": N_("GPT-2 large, 774 million"),
    "openai-community/gpt2-xl": N_("GPT-2 XL, 1.5 billion"),
}
"""Models of GPT-2's layout that their authors published for everybody (hub id → what it is)."""

GPT2_VOCAB_SIZE = 50_257
_NOTE_SECONDS = 0.3
_STATUS = "fetching.json"


@dataclass(frozen=True)
class OpenModel:
    """One folder of weights. `problem` says why it cannot be used, and is empty otherwise."""

    name: str
    folder: Path
    hub_id: str | None
    n_bytes: int
    problem: str = ""


@dataclass(frozen=True)
class FetchState:
    """How a download stands. `state` is "running", "finished", "failed" (see `error`) or "cancelled"."""

    hub_id: str
    state: Literal["running", "finished", "failed", "cancelled"]
    done: int = 0
    total: int = 0
    file: str = ""
    error: str = ""
    began: float = 0.0
    pid: int = 0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left at the average speed so far; None while nothing has come."""
        elapsed = time.time() - self.began
        return elapsed * (self.total - self.done) / self.done if self.done and elapsed > 1 else None


def models_folder(settings: Settings) -> Path:
    """Where open models lie; a Hugging Face folder that is put here is found."""
    return settings.home / "models"


def list_open_models(models: Path) -> list[OpenModel]:
    """Every folder that holds or should hold weights, by name."""
    folders = sorted(path for path in models.glob("*") if path.is_dir() and not path.name.startswith("."))
    return [_described(folder) for folder in folders]


def _described(folder: Path) -> OpenModel:
    n_bytes = sum(path.stat().st_size for path in folder.glob("*" + WEIGHTS))
    hub_id, problem = None, ""
    try:
        with contextlib.suppress(FileNotFoundError):
            hub_id = json.loads((folder / SOURCE_FILE).read_text("utf-8")).get("hub_id")
        vocab_size = json.loads((folder / "config.json").read_text("utf-8"))["vocab_size"]
        if not n_bytes:
            problem = _("It has no weights as safetensors.")
        elif not (folder / OWN_TOKENIZER).exists() and vocab_size != GPT2_VOCAB_SIZE:
            problem = _(
                "Its vocabulary of {vocab_size:,} tokens is not GPT-2's own, and no tokenizer of ours is with it.",
                vocab_size=vocab_size,
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = _("Its files cannot be read ({name}: {error}).", name=type(error).__name__, error=error)
    return OpenModel(folder.name, folder, hub_id, n_bytes, problem)


def load_open_model(models: Path, name: str) -> Checkpoint:
    """The model in the folder of that name with its tokenizer, its checksums verified.

    Raises CheckpointError where there is none, or as `load_gpt2`.
    """
    found = next((model for model in list_open_models(models) if model.name == name), None)
    if found is None:
        raise CheckpointError(_("There is no open model {name!r} here (any more): choose another one.", name=name))
    if found.problem:
        raise CheckpointError(_("{name} cannot be used. {problem}", name=name, problem=found.problem))
    model = load_gpt2(found.folder)
    tokenizer = gpt2_tokenizer(found.folder)
    if tokenizer.n_vocab > model.config.vocab_size:
        raise CheckpointError(
            _(
                "{name} has a table of {vocab_size:,} tokens, its tokenizer {n_vocab:,}: they do not belong together.",
                name=name,
                vocab_size=model.config.vocab_size,
                n_vocab=tokenizer.n_vocab,
            )
        )
    return Checkpoint(model, tokenizer, {"open_model": name, "hub_id": found.hub_id})


def later_text(checkpoint: Checkpoint, n_tokens: int) -> tuple[Tensor, Tensor]:
    """Windows of a text of the engine's own, which did not exist when open models were trained: inputs and targets
    (N, T) int64, about `n_tokens` in all.
    """
    text = load_corpus(OPEN_TEXT)[-20 * n_tokens :]
    context = min(checkpoint.model.config.context_length, 256)
    return evaluation_windows(checkpoint.tokenizer.encode_array(text), context, n_tokens)


def gpt2_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that was exported with a model, else GPT-2's own.

    Raises CheckpointError where a `vocab.json` beside the weights is another vocabulary.
    """
    if (folder / OWN_TOKENIZER).exists():
        return load_tokenizer(folder / OWN_TOKENIZER)
    tokenizer = OfficialTokenizer("gpt2")
    vocabulary = folder / "vocab.json"
    if vocabulary.exists():
        try:
            theirs: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                _("vocab.json of {name} cannot be read: {error}.", name=folder.name, error=error)
            ) from error
        longest = tokenizer.token_bytes(theirs.get("forest", N_BYTES)) == b"forest"
        if len(theirs) != tokenizer.n_vocab or not longest or theirs.get("<|endoftext|>") != tokenizer.n_vocab - 1:
            raise CheckpointError(
                _("{name} has a vocabulary of its own, which is not read here: only GPT-2's is.", name=folder.name)
            )
    return tokenizer


def gpt2_archive(checkpoint: Checkpoint) -> bytes:
    """A zip of the folder that `export_gpt2` writes; CheckpointError for a model of another shape."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        export_gpt2(checkpoint.model, folder, checkpoint.tokenizer)
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            for path in sorted(folder.iterdir()):
                zipped.write(path, path.name)
    return buffer.getvalue()


# --- fetching in the background ---------------------------------------------------------------------------------


def start_fetch(settings: Settings, hub_id: str) -> None:
    """Begin to fetch a model in a process of its own. CheckpointError while another one is being fetched."""
    folder_name(hub_id)
    running = fetch_state(settings)
    if running is not None and running.state == "running":
        raise CheckpointError(
            _("{hub_id} is being fetched: wait until it is here, or cancel it.", hub_id=running.hub_id)
        )
    models = models_folder(settings)
    models.mkdir(parents=True, exist_ok=True)
    project = Path(__file__).resolve().parents[1]
    environment = os.environ | settings.as_environment()
    environment["PYTHONPATH"] = os.pathsep.join([str(project), *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-m", "engine", "fetch", hub_id, "--quiet"],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=sys.platform != "win32",
    )
    threading.Thread(target=child.wait, name="reaper of a download", daemon=True).start()
    _write(models, FetchState(hub_id, "running", began=time.time(), pid=child.pid))


def fetch_noted(
    settings: Settings,
    hub_id: str,
    *,
    progress: Callable[[FetchProgress], None] | None = None,
    endpoint: str | None = None,
) -> FetchState:
    """Fetch a model here and now, noting for everybody how it stands; returns the last state.

    Errors of the engine end in a state "failed" whose `error` is the sentence to show.
    """
    models = models_folder(settings)
    models.mkdir(parents=True, exist_ok=True)
    state = FetchState(hub_id, "running", began=time.time(), pid=os.getpid())
    _write(models, state)
    noted_at = 0.0

    def note(now: FetchProgress) -> None:
        nonlocal state, noted_at
        state = replace(state, done=now.done, total=now.total, file=now.file)
        if progress is not None:
            progress(now)
        if time.monotonic() - noted_at > _NOTE_SECONDS:
            _write(models, state)
            noted_at = time.monotonic()

    try:
        fetch(hub_id, models, progress=note, endpoint=endpoint)
        state = replace(state, state="finished", done=state.total)
    except (EngineError, OSError) as error:
        state = replace(state, state="failed", error=str(error))
    _write(models, state)
    return state


def fetch_state(settings: Settings) -> FetchState | None:
    """How the last download stands; None if there was none. One whose process is gone counts as failed."""
    try:
        state = FetchState(**json.loads((models_folder(settings) / _STATUS).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if state.state == "running" and not _alive(state):
        return replace(state, state="failed", error=_("The download was cut off: fetch it again."))
    return state


def cancel_fetch(settings: Settings) -> None:
    """End a running download; files that are whole are kept for the next try."""
    state = fetch_state(settings)
    if state is None or state.state != "running":
        return
    with contextlib.suppress(psutil.Error):
        psutil.Process(state.pid).terminate()
    _write(models_folder(settings), replace(state, state="cancelled"))


def forget_fetch(settings: Settings) -> None:
    """Drop the note of a download that has ended."""
    state = fetch_state(settings)
    if state is not None and state.state != "running":
        (models_folder(settings) / _STATUS).unlink(missing_ok=True)


def _alive(state: FetchState) -> bool:
    """Whether the process that fetches still lives; a number that now names another process does not count."""
    try:
        process = psutil.Process(state.pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < state.began + 60
    except psutil.Error:
        return False


def _write(models: Path, state: FetchState) -> None:
    partial = models / f".{_STATUS}.{uuid.uuid4().hex[:8]}"
    partial.write_text(json.dumps(asdict(state)), "utf-8")
    partial.replace(models / _STATUS)
