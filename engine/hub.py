"""Open weights: a GPT-2 is fetched once from a Hugging Face hub, checked byte by byte, and kept in a folder.

Only `config.json`, the vocabulary and weights in the safetensors format are read. A pickle (`pytorch_model.bin`) may
run any program that is hidden in it as soon as it is loaded, so it is refused, and not even downloaded. What has been
fetched needs no network any more. A folder that was copied here by hand does the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError
from engine.language import _

SOURCE_FILE = "source.json"
"""Beside the weights: where they come from, and the SHA-256 of each file."""

WANTED = ("config.json", "vocab.json", "merges.txt", "tokenizer.json", "tokenizer-lessons.json")
WEIGHTS = ".safetensors"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

_HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True)
class FetchProgress:
    """Bytes that are here of all that are wanted, and the file that is being fetched."""

    file: str
    done: int
    total: int


@dataclass(frozen=True)
class _Remote:
    name: str
    size: int
    sha256: str | None


def folder_name(hub_id: str) -> str:
    """The name of a model's folder: `folder_name("openai-community/gpt2") -> "openai-community--gpt2"`.

    Raises CheckpointError for what cannot be the name of a model on a hub.
    """
    if not _HUB_ID.fullmatch(hub_id) or ".." in hub_id:
        raise CheckpointError(
            _("{hub_id!r} is no name of a model on a hub: write for example openai-community/gpt2.", hub_id=hub_id)
        )
    return hub_id.replace("/", "--")


def fetch(
    hub_id: str,
    models: str | Path,
    *,
    progress: Callable[[FetchProgress], None] | None = None,
    endpoint: str | None = None,
) -> Path:
    """Fetch a model into a folder of its own in `models` and return that folder; at once if it is there already.

    After an interruption the files that are whole stay; short breaks are bridged by the client. `endpoint` is another
    hub's address (else HF_ENDPOINT or Hugging Face's). Raises CheckpointError with what to do: no network, no such
    model, no safetensors, too little disk, a file that differs from what the hub says it is.
    """
    final = Path(models) / folder_name(hub_id)
    if (final / SOURCE_FILE).exists():
        return final
    partial = final.with_name(f".{final.name}.partial")
    try:
        revision, wanted = _listing(hub_id, endpoint)
        total = sum(each.size for each in wanted)
        partial.mkdir(parents=True, exist_ok=True)
        for torn in partial.rglob("*.incomplete"):  # of a process that was killed: the client begins them anew
            torn.unlink()
        free = shutil.disk_usage(partial).free
        if free < 1.05 * total:
            raise CheckpointError(
                _(
                    "{hub_id} needs {total:.1f} GB of disk and {free:.1f} are free: make room first.",
                    hub_id=hub_id,
                    total=total / 1e9,
                    free=free / 1e9,
                )
            )
        done = 0
        for each in wanted:
            _download(hub_id, revision, each, partial, done, total, progress, endpoint)
            done += each.size
        sums = {each.name: _checked(partial / each.name, each) for each in wanted}
    except CheckpointError:
        raise
    except Exception as error:  # the hub client and what is below it raise many unrelated types
        raise CheckpointError(_sentence(hub_id, Path(models), error)) from error
    shutil.rmtree(partial / ".cache", ignore_errors=True)
    _write_json(partial / SOURCE_FILE, {"hub_id": hub_id, "revision": revision, "sha256": sums})
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    return final


def adopt(folder: str | Path, models: str | Path) -> Path:
    """Copy a Hugging Face folder into `models`, with the sums of its files as they are now; returns the copy.

    Raises CheckpointError where it holds no weights that are read here.
    """
    source = Path(folder)
    if not source.is_dir():
        raise CheckpointError(_("{folder} is no folder.", folder=folder))
    require_safetensors([path.name for path in source.iterdir() if path.is_file()], str(folder))
    names = [path.name for path in sorted(source.iterdir()) if path.name in WANTED or path.suffix == WEIGHTS]
    final = Path(models) / re.sub(r"[^\w.-]", "-", source.resolve().name)
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in names:
        shutil.copyfile(source / name, partial / name)
    sums = {name: sha256_of(partial / name) for name in names}
    _write_json(partial / SOURCE_FILE, {"hub_id": None, "folder": source.resolve().name, "sha256": sums})
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    return final


def require_safetensors(names: list[str], what: str) -> None:
    """CheckpointError unless one of the files holds weights as safetensors; pickles are named as the reason."""
    if any(name.endswith(WEIGHTS) for name in names):
        return
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    if pickles:
        raise CheckpointError(
            _(
                "{what} holds its weights as a pickle ({pickles}). Loading a pickle runs whatever program is hidden in "
                "it, so only safetensors files are read here. Save the model again with transformers, "
                "model.save_pretrained(folder), which writes model.safetensors.",
                what=what,
                pickles=pickles[0],
            )
        )
    raise CheckpointError(_("{what} has no weights (model.safetensors).", what=what))


def verify(folder: Path) -> None:
    """Compare the files of a fetched model with the sums noted beside them; CheckpointError names one that differs."""
    try:
        noted = json.loads((folder / SOURCE_FILE).read_text("utf-8"))["sha256"]
    except FileNotFoundError:
        return  # copied by hand: there is nothing to compare with
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            _(
                "{source_file} of {name} cannot be read: delete the folder, fetch it again.",
                source_file=SOURCE_FILE,
                name=folder.name,
            )
        ) from (error)
    for name, expected in noted.items():
        path = folder / name
        if not path.exists() or sha256_of(path) != expected:
            raise CheckpointError(
                _(
                    "{name} of {name_2} is damaged: delete the folder and fetch the model again.",
                    name=name,
                    name_2=folder.name,
                )
            )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listing(hub_id: str, endpoint: str | None) -> tuple[str, list[_Remote]]:
    """The newest revision of a model and its files that are wanted, the weights last."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=endpoint).model_info(hub_id, files_metadata=True, timeout=15)
    files = [
        _Remote(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None)
        for file in info.siblings or ()
        if "/" not in file.rfilename
    ]
    require_safetensors([file.name for file in files], hub_id)
    if "config.json" not in {file.name for file in files} or info.sha is None:
        raise CheckpointError(_("{hub_id} has no config.json: it is no model that transformers wrote.", hub_id=hub_id))
    wanted = [file for file in files if file.name in WANTED or file.name.endswith(WEIGHTS)]
    return info.sha, sorted(wanted, key=lambda file: (file.name.endswith(WEIGHTS), file.name))


def _download(
    hub_id: str,
    revision: str,
    remote: _Remote,
    folder: Path,
    done: int,
    total: int,
    progress: Callable[[FetchProgress], None] | None,
    endpoint: str | None,
) -> None:
    from huggingface_hub import hf_hub_download
    from tqdm import tqdm

    class Reporter(tqdm):
        """tqdm's interface, by which the hub client reports; what it counts goes to `progress`, nothing is printed."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})
            self._report(int(options.get("initial") or 0))

        def update(self, n: float | None = 1) -> bool | None:
            self._report(self._here + int(n or 0))
            return None

        def _report(self, here: int) -> None:
            self._here = here
            if progress is not None:
                progress(FetchProgress(remote.name, done + min(here, remote.size), total))

    hf_hub_download(
        hub_id,
        remote.name,
        revision=revision,
        local_dir=folder,
        endpoint=endpoint,
        tqdm_class=Reporter,
        etag_timeout=15,
    )


def _checked(path: Path, remote: _Remote) -> str:
    found = sha256_of(path)
    if path.stat().st_size != remote.size or (remote.sha256 is not None and found != remote.sha256):
        path.unlink()
        raise CheckpointError(_("{name} arrived damaged: fetch the model again.", name=remote.name))
    return found


def _sentence(hub_id: str, models: Path, error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return _("{hub_id} is open only to those who accepted its terms: choose another model.", hub_id=hub_id)
    if isinstance(error, RepositoryNotFoundError):
        return _("There is no model {hub_id} on the hub: look whether its name is spelled right.", hub_id=hub_id)
    if isinstance(error, OSError) and "space" in str(error).lower():
        return _("The disk is full, {hub_id} is not here whole: make room, then fetch it again.", hub_id=hub_id)
    return _(
        "{hub_id} could not be fetched: the hub cannot be reached, so this computer is probably offline "
        "({name}). Try again with a network, or copy the folder of a GPT-2 (config.json and "
        "model.safetensors) to {models}.",
        hub_id=hub_id,
        name=type(error).__name__,
        models=models,
    )


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True), "utf-8")
