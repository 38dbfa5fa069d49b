"""Models, tokenizers and texts in an object store: what holds for a folder holds there, between processes as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import CorpusError, RunError
from engine.runs.artifacts import ArtifactStore
from engine.runs.service import RunService
from engine.settings import Settings
from tests.runs.helpers import TEXT, losses, open_bench, put, tiny_config, wait_for
from tests.scale_out.object_storage import needs_object_storage, object_storage

pytestmark = [pytest.mark.soak, pytest.mark.xdist_group("scale-out"), needs_object_storage]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with object_storage(tmp_path_factory.mktemp("storage")) as url:
        yield url


def test_folders_and_texts_are_kept_listed_and_deleted(url: str, tmp_path: Path) -> None:
    artifacts = ArtifactStore(f"{url}/folders", tmp_path)
    for name in ("runs/a/2", "runs/a/1", "runs/b/1"):
        put(artifacts, name, weights="1")
    put(artifacts, "runs/a/1", weights="2")
    assert artifacts.list("runs/a") == ["runs/a/1", "runs/a/2"] and artifacts.list("runs/nobody") == []
    assert (artifacts.get_folder("runs/a/1") / "weights.json").read_text() == "2"
    artifacts.drop_files("runs/a/2", "weights")
    assert [path.name for path in artifacts.get_folder("runs/a/2").iterdir()] == ["manifest.json"]
    artifacts.delete("runs/a")
    artifacts.delete("runs/a")
    assert artifacts.list("runs/a") == [] and artifacts.exists("runs/b/1")
    with pytest.raises(RunError):
        artifacts.get_folder("runs/a/1")
    name = artifacts.save_upload("Löwe\r\n")
    assert artifacts.save_upload("Löwe\r\n") == name and artifacts.load_upload(name) == "Löwe\r\n"
    with pytest.raises(CorpusError, match="no longer there"):
        artifacts.load_upload("upload:" + "0" * 64)


def test_a_run_trained_in_another_process_is_paused_resumed_loaded_and_deleted(url: str, tmp_path: Path) -> None:
    service = RunService(Settings.at(tmp_path / "home", artifacts=f"{url}/runs", workers=1))
    try:
        run_id = service.submit(tiny_config(service.save_upload(TEXT), steps=600))
        wait_for(lambda: service.run(run_id).step >= 50, "step 50", 120)
        service.request(run_id, "pause")
        wait_for(lambda: service.run(run_id).state == "paused", "paused")
        service.request(run_id, "resume")
        wait_for(lambda: service.run(run_id).state == "finished", "finished", 120)
        calm = open_bench(tmp_path / "calm")
        assert losses(service.events(run_id, kinds=["step"])) == calm.losses(
            calm.run(tiny_config(calm.upload(), steps=600))
        )
        assert service.load_model(run_id).model is not None
        kept = service.keep_model(run_id)
        service.request(run_id, "delete")
        wait_for(lambda: service.artifacts.list(f"runs/{run_id}") == [], "its checkpoints deleted")
        assert service.artifacts.kept_model(kept)
    finally:
        service.close()
