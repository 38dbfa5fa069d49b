"""Artifacts: whatever can be seen is complete, wherever fsspec puts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from engine.errors import ConfigError, CorpusError, RunError
from engine.runs.artifacts import ArtifactStore
from engine.settings import Settings
from tests.runs.helpers import put


@pytest.fixture(params=["folder", "memory"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArtifactStore]:
    root = str(tmp_path / "artifacts") if request.param == "folder" else "memory://lab"
    yield ArtifactStore(root, tmp_path / "scratch")
    fsspec.filesystem("memory").store.clear()


def test_a_folder_comes_back_as_it_was_put(artifacts: ArtifactStore) -> None:
    put(artifacts, "runs/a/1", weights="[1, 2]")
    assert artifacts.exists("runs/a/1")
    found = artifacts.get_folder("runs/a/1")
    assert {path.name: path.read_text() for path in found.iterdir()} == {
        "manifest.json": "{}",
        "weights.json": "[1, 2]",
    }


def test_a_folder_put_again_replaces_the_old_one(artifacts: ArtifactStore) -> None:
    put(artifacts, "runs/a/1", weights="1")
    put(artifacts, "runs/a/1", weights="2")
    assert (artifacts.get_folder("runs/a/1") / "weights.json").read_text() == "2"


def test_folders_are_listed_and_deleted_one_by_one_or_together(artifacts: ArtifactStore) -> None:
    for name in ("runs/a/2", "runs/a/1", "runs/b/1"):
        put(artifacts, name)
    assert artifacts.list("runs/a") == ["runs/a/1", "runs/a/2"]
    assert artifacts.list("runs/nobody") == []
    artifacts.delete("runs/a/1")
    artifacts.delete("runs/a/1")
    assert artifacts.list("runs/a") == ["runs/a/2"]
    artifacts.delete("runs/a")
    assert not artifacts.exists("runs/a/2")
    assert artifacts.exists("runs/b/1")


def test_a_folder_without_its_manifest_does_not_exist(artifacts: ArtifactStore) -> None:
    put(artifacts, "runs/a/1", weights="1")
    artifacts.drop_files("runs/a/1", "manifest")
    assert not artifacts.exists("runs/a/1")


def test_some_files_of_a_folder_can_be_dropped(artifacts: ArtifactStore) -> None:
    put(artifacts, "runs/a/1", training="1", weights="2")
    artifacts.drop_files("runs/a/1", "training.")
    assert sorted(path.name for path in artifacts.get_folder("runs/a/1").iterdir()) == ["manifest.json", "weights.json"]


def test_what_a_killed_process_left_half_written_goes_when_it_is_old(artifacts: ArtifactStore) -> None:
    with artifacts.staging() as folder:
        folder.mkdir()
        artifacts.clear_staging()
        assert folder.exists()
        artifacts.clear_staging(older_than=-1.0)
        assert not folder.exists()


@pytest.mark.parametrize("name", ["", "../outside", "runs/../../outside", "/etc"])
def test_no_name_leads_outside(artifacts: ArtifactStore, name: str) -> None:
    with pytest.raises(RunError, match="no name"):
        artifacts.delete(name)


@examples(deadline=None, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_an_upload_comes_back_exactly_and_has_one_name(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("uploads")
    artifacts = ArtifactStore(str(home / "artifacts"), home)
    name = artifacts.save_upload(text)
    assert artifacts.save_upload(text) == name
    assert artifacts.load_upload(name) == text


def test_an_upload_that_is_gone_or_was_changed_is_an_error_not_another_text(artifacts: ArtifactStore) -> None:
    name = artifacts.save_upload("Wer reitet so spät durch Nacht und Wind?")
    with pytest.raises(CorpusError, match="no longer there"):
        artifacts.load_upload("upload:" + "0" * 64)
    artifacts.files.pipe_file(f"{artifacts.root}/uploads/{name.removeprefix('upload:')}.txt", b"changed")
    with pytest.raises(CorpusError, match="changed"):
        artifacts.load_upload(name)


def test_an_address_that_fsspec_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="LLM_LAB_ARTIFACTS"):
        ArtifactStore("nowhere://bucket", tmp_path)


class TestSettings:
    def test_the_data_folder_of_the_user_is_the_default(self) -> None:
        settings = Settings.from_environment({})
        assert settings.home.name == "llm-lessons" or "llm-lessons" in settings.home.parts
        assert settings.store == f"sqlite:///{(settings.home / 'runs.sqlite').as_posix()}"
        assert settings.scheduler is None and settings.serve

    def test_everything_can_be_somewhere_else_and_a_child_gets_the_same(self, tmp_path: Path) -> None:
        given = {
            "LLM_LAB_HOME": str(tmp_path),
            "LLM_LAB_STORE": "postgresql+psycopg://host/lab",
            "LLM_LAB_ARTIFACTS": "s3://bucket/lab",
            "LLM_LAB_SCHEDULER": "tcp://host:8786",
            "LLM_LAB_SERVE": "0",
            "LLM_LAB_WORKERS": "3",
        }
        settings = Settings.from_environment(given)
        assert settings.as_environment() == given
        assert Settings.from_environment(settings.as_environment()) == settings
        assert Settings.from_environment({"LLM_LAB_HOME": os.fspath(tmp_path)}) == Settings.at(tmp_path)

    @pytest.mark.parametrize("workers", ["0", "-1", "two", "1.5"])
    def test_a_number_of_workers_that_is_none_is_refused(self, workers: str) -> None:
        with pytest.raises(ConfigError, match=workers):
            Settings.from_environment({"LLM_LAB_WORKERS": workers})


def test_a_folder_that_a_worker_still_writes_into_is_deleted_all_the_same(
    artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(artifacts, "runs/a/1")
    remove, refused = artifacts.files.rm, iter([OSError(39, "Directory not empty")])

    def rm(path: str, recursive: bool = False) -> None:
        if recursive and (error := next(refused, None)):
            raise error
        remove(path, recursive=recursive)

    monkeypatch.setattr(artifacts.files, "rm", rm)
    artifacts.delete("runs/a")
    assert artifacts.list("runs/a") == []
