"""Files that runs make or need: checkpoints, learned tokenizers, uploaded texts.

fsspec decides where they lie: a folder by default, or any URL it knows (s3://…, gs://…, memory://). A folder exists
when its manifest does, and the manifest is written last, so whatever can be seen is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from engine.errors import CorpusError, RunError
from engine.language import _

MANIFEST = "manifest.json"
UPLOAD = "upload:"
KEPT_MODEL = "model:"

_DELETE_ATTEMPTS = 5


class ArtifactStore:
    """Folders by name ("runs/<id>/<step>") under one root; `scratch` is a local folder for files on their way."""

    def __init__(self, root: str, scratch: Path) -> None:
        try:
            self.files, self.root = fsspec.core.url_to_fs(root)
        except (ImportError, ValueError) as error:
            raise RunError(
                _("LLM_LAB_ARTIFACTS ({root}) is no place that can be written to: {error}", root=root, error=error)
            ) from error
        self.local = "file" in _protocols(self.files)
        self.scratch = scratch

    def put_folder(self, source: Path, name: str) -> None:
        """Moves a local folder (with its manifest) into the store, in place of one of the same name."""
        target = self._path(name)
        if self.local:
            place = Path(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                shutil.rmtree(place)
            shutil.move(source, place)
            return
        names = sorted((path.name for path in source.iterdir()), key=lambda file: file == MANIFEST)
        for file in names:
            self.files.put_file(str(source / file), f"{target}/{file}")
        shutil.rmtree(source)

    def get_folder(self, name: str) -> Path:
        """A local folder to read from: the artifact itself, or a copy of it. RunError if there is no such artifact."""
        target = self._path(name)
        if self.local:
            return Path(target)
        if not self.exists(name):
            raise RunError(_("the artifact {name} is not there.", name=name))
        copies = self.scratch / "copies"
        self._drop_old(copies)
        copy = copies / uuid.uuid4().hex / PurePosixPath(name).name  # of this reader's own: others may read it as well
        copy.mkdir(parents=True)
        for path in self.files.ls(target, detail=False):
            self.files.get_file(path, str(copy / PurePosixPath(path).name))
        return copy

    def exists(self, name: str) -> bool:
        """Whether the folder is there, complete."""
        return bool(self.files.exists(f"{self._path(name)}/{MANIFEST}"))

    def list(self, prefix: str) -> list[str]:
        """Names of all folders directly under a prefix, complete or not, in order."""
        target = self._path(prefix)
        self.files.invalidate_cache()
        if not self.files.exists(target):
            return []
        entries = self.files.ls(target, detail=True)
        return sorted(f"{prefix}/{PurePosixPath(e['name']).name}" for e in entries if e["type"] == "directory")

    def delete(self, name: str) -> None:
        """Removes a folder and all below it; no error if it is not there. The manifest goes first."""
        target = self._path(name)
        with suppress(FileNotFoundError):
            self.files.rm(f"{target}/{MANIFEST}")
        for attempt in range(_DELETE_ATTEMPTS):
            try:
                self.files.rm(target, recursive=True)
                return
            except FileNotFoundError:  # all of it is gone, or another process just took a part of it away
                if not self.files.exists(target):
                    return
            except OSError:  # a worker that does not know yet that its run was deleted has just put a file there
                if attempt == _DELETE_ATTEMPTS - 1:
                    raise

    def drop_files(self, name: str, prefix: str) -> None:
        """Removes the files of a folder whose names begin so."""
        for path in self.files.ls(self._path(name), detail=False):
            if PurePosixPath(path).name.startswith(prefix):
                self.files.rm_file(path)

    @property
    def _staging_folder(self) -> Path:
        return Path(self.root) / ".staging" if self.local else self.scratch / "staging"

    def clear_staging(self, older_than: float = 3600.0) -> None:
        """Removes what a killed process left half written, once it is so many seconds old."""
        if not self._staging_folder.exists():
            return
        for path in self._staging_folder.iterdir():
            with suppress(FileNotFoundError):  # another process may do the same
                if path.stat().st_mtime < time.time() - older_than:
                    shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    def _drop_old(folder: Path, older_than: float = 600.0) -> None:
        """Removes copies that nobody reads any more: a model is read at once."""
        if folder.exists():
            for path in folder.iterdir():
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < time.time() - older_than:
                        shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A fresh local path (not made yet) to write a folder to; whatever is left there at the end goes."""
        self._staging_folder.mkdir(parents=True, exist_ok=True)
        path = self._staging_folder / uuid.uuid4().hex
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def save_upload(self, text: str) -> str:
        """Keeps a learner's text under the hash of its content and returns its corpus name "upload:<sha256>"."""
        data = text.encode("utf-8")
        digest = hashlib.sha256(data).hexdigest()
        target = self._path(f"uploads/{digest}.txt")
        if not self.files.exists(target):
            partial = f"{target}.{uuid.uuid4().hex[:8]}"
            self.files.makedirs(self._path("uploads"), exist_ok=True)
            self.files.pipe_file(partial, data)
            self.files.mv(partial, target)
        return UPLOAD + digest

    def load_upload(self, name: str) -> str:
        """The text of "upload:<sha256>"; CorpusError if it is not there or no longer what it was."""
        digest = name.removeprefix(UPLOAD)
        try:
            data: bytes = self.files.cat_file(self._path(f"uploads/{digest}.txt"))
        except FileNotFoundError:
            raise CorpusError(_("the uploaded text is no longer there: upload the file again.")) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise CorpusError(_("the uploaded text was changed on disk: upload the file again."))
        return data.decode("utf-8")

    def keep_model(self, folder: str) -> str:
        """Keeps a checkpoint's model, without what resumes its training, under the hash of its files; returns its name
        "model:<sha256>", whose folder is "models/<sha256>". So it outlives the run it comes from.
        """
        kept, name = self._model_files(folder)
        source, target = self.get_folder(folder), f"models/{name.removeprefix(KEPT_MODEL)}"
        if not self.exists(target):
            with self.staging() as staged:
                staged.mkdir(parents=True)
                for file in kept:
                    shutil.copy2(source / file, staged / file)
                (staged / MANIFEST).write_text(json.dumps(kept), "utf-8")
                self.put_folder(staged, target)
        return name

    def name_of_model(self, folder: str) -> str:
        """The name that `keep_model` gives to a checkpoint's model, without keeping it."""
        return self._model_files(folder)[1]

    def _model_files(self, folder: str) -> tuple[dict[str, str], str]:
        """The files of a checkpoint's model with their sums, and the name that these make."""
        sums = json.loads((self.get_folder(folder) / MANIFEST).read_text("utf-8"))
        kept = {name: value for name, value in sorted(sums.items()) if not name.startswith("training.")}
        return kept, KEPT_MODEL + hashlib.sha256(json.dumps(kept).encode("utf-8")).hexdigest()

    def kept_model(self, name: str) -> Path:
        """The folder of "model:<sha256>"; RunError if it is not there."""
        folder = f"models/{name.removeprefix(KEPT_MODEL)}"
        if not self.exists(folder):
            raise RunError(_("the model to start from is no longer there: choose it again."))
        return self.get_folder(folder)

    def _path(self, name: str) -> str:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or name.startswith("/"):
            raise RunError(_("{name!r} is no name of an artifact.", name=name))
        return f"{self.root.rstrip('/')}/{name}"


def _protocols(files: Any) -> tuple[str, ...]:
    protocol = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
