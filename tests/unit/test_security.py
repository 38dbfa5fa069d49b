"""What SECURITY.md promises, as far as the engine keeps it: bounds of settings, names, cells, archives and paths."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.checkpoint import load_checkpoint
from engine.classroom.learners import clean_name
from engine.errors import CheckpointError, ConfigError, CorpusError, EngineError, RunError
from engine.gpt import GPTConfig
from engine.runs.artifacts import ArtifactStore
from engine.runs.config import RunConfig
from engine.runs.recipes import recipe_config
from engine.spreadsheets import harmless_cell
from engine.training import TrainingConfig
from engine.uploads import read_labelled, read_text

FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")')


@given(st.text())
def test_no_cell_begins_like_a_formula(text):
    cell = harmless_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) and cell.endswith(text)


@pytest.mark.parametrize("formula", FORMULAS)
def test_an_export_with_hostile_text_holds_no_formula(formula):
    assert harmless_cell(formula) == "'" + formula


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"n_layers": 10_000}},
        {"model": {"d_model": 1_000_000}},
        {"model": {"context_length": 10_000_000}},
        {"vocab_size": 10_000_000},
        {"training": {"batch_size": 1_000_000}},
        {"training": {"steps": 10**12}},
        {"training": {"seconds": 10**9}},
        {"training": {"steps": 10, "evaluations": 10**9}},
        {"training": {"sample_tokens": 10**9}},
        {"training": {"prompts": ["x" * 10**6]}},
        {"n_chars": -1},
        {"seed": -1},
        {"seed": 10**30},
    ],
    ids=str,
)
def test_sizes_beyond_reason_are_refused_by_the_engine_itself(change):
    """Not by the widgets alone: whoever writes to the websocket by hand meets the same bounds."""
    with pytest.raises(ConfigError):
        recipe_config("30s", "stories", **change)


@pytest.mark.parametrize("name", ["=1+1", " @SUM(A1)", "+-=x", "\t=x", "＝x"])
def test_a_learners_name_does_not_begin_like_a_formula(name):
    cleaned = clean_name(name)
    assert cleaned and harmless_cell(cleaned) == cleaned


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "upload:../../x", "upload:" + "A" * 64, "a/b", ""])
def test_a_text_is_named_by_a_corpus_or_a_hash_never_by_a_path(name):
    with pytest.raises(EngineError):
        RunConfig(
            corpora=((name, 1.0),),
            tokenizer_kind="char",
            vocab_size=100,
            model=GPTConfig(vocab_size=100, context_length=16, n_layers=1, n_heads=2, d_model=16),
            training=TrainingConfig(steps=1),
        )


@pytest.mark.parametrize("name", ["upload:../../x", "upload:", "model:../x", "upload:" + "g" * 64])
def test_artifacts_are_reached_by_hashes_only(tmp_path: Path, name: str):
    (tmp_path / "x").write_text("secret")
    store = ArtifactStore(str(tmp_path / "artifacts"), tmp_path / "scratch")
    with pytest.raises((RunError, CorpusError, ConfigError)):
        store.load_upload(name)
    with pytest.raises((RunError, CheckpointError, ConfigError)):
        store.kept_model(name)


def test_a_zip_is_not_an_upload_and_is_never_unpacked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.txt", "0" * 10_000_000)
    with pytest.raises(CorpusError):
        read_text(packed.getvalue(), "text.txt")
    with pytest.raises(CorpusError):
        read_labelled(packed.getvalue(), "rows.csv")


def test_a_checkpoint_holds_no_code(tmp_path: Path):
    """Weights are safetensors: a pickle in their place is refused, not run."""
    ran = tmp_path / "ran"
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    payload = b"cos\nsystem\n(S'touch " + str(ran).encode() + b"'\ntR."
    for name in ("model.safetensors", "pytorch_model.bin"):
        (folder / name).write_bytes(payload)
    with pytest.raises(CheckpointError):
        load_checkpoint(folder)
    assert not ran.exists()


def test_no_module_reads_pickles():
    project = Path(__file__).resolve().parents[2]
    for file in [*project.glob("engine/**/*.py"), *project.glob("pages/**/*.py"), project / "app.py"]:
        text = file.read_text("utf-8")
        for risk in (
            "import pickle",
            "torch.load(",
            "allow_pickle=True",
            "yaml.load(",
            'eval("',
            'exec("',
            "os.system(",
        ):
            assert risk not in text, f"{file} uses {risk}"
