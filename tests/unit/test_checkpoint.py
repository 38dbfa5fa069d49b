import json

import pytest
import torch

from engine.checkpoint import load_checkpoint, save_checkpoint
from engine.errors import CheckpointError
from engine.gpt import GPT, GPTConfig
from engine.tokenizer import BPETokenizer, CharTokenizer
from engine.training import Trainer, TrainingConfig
from engine.windows import WindowSampler

TEXT = "The lion is in the forest.\nThe bird sings in the tree. " * 40


@pytest.fixture
def tokenizer():
    return BPETokenizer.train(TEXT, 280)


@pytest.fixture
def model(tokenizer):
    return GPT(GPTConfig(tokenizer.n_vocab, 16, 2, 2, 32), seed=0)


def test_a_saved_model_comes_back_with_its_tokenizer_and_notes(tmp_path, model, tokenizer):
    save_checkpoint(tmp_path / "a", model, tokenizer, extra={"step": 8, "title": "é\n"})
    back = load_checkpoint(tmp_path / "a")
    ids = torch.tensor([tokenizer.encode("The lion")])
    with torch.inference_mode():
        assert torch.equal(model(ids), back.model(ids))
    assert back.tokenizer.encode(TEXT) == tokenizer.encode(TEXT)
    assert back.tokenizer.special_tokens == tokenizer.special_tokens
    assert back.extra == {"step": 8, "title": "é\n"}
    assert back.training_tensors is None


def test_a_training_comes_back_and_continues_bit_for_bit(tmp_path, model, tokenizer):
    def trainer(of: GPT) -> Trainer:
        ids = tokenizer.encode_array(TEXT)
        return Trainer(of, WindowSampler(ids, 16, 4, 0), TrainingConfig(steps=12, evaluations=0))

    whole = list(trainer(GPT(model.config, seed=0)).events())
    first = trainer(model)
    events = first.events()
    while first.step < 5:
        next(events)
    save_checkpoint(tmp_path / "a", model, tokenizer, trainer=first)
    back = load_checkpoint(tmp_path / "a")
    second = trainer(back.model)
    second.load_state(back.training_tensors, back.training_numbers)
    later = {event.step: event.loss for event in whole if hasattr(event, "loss")}
    resumed = {event.step: event.loss for event in second.events() if hasattr(event, "loss")}
    assert resumed == {step: loss for step, loss in later.items() if step > 5}


def test_half_precision_halves_the_file_and_nearly_keeps_the_logits(tmp_path, model, tokenizer):
    save_checkpoint(tmp_path / "a", model, tokenizer)
    save_checkpoint(tmp_path / "b", model, tokenizer, dtype=torch.float16)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in "ab"]
    assert sizes[1] < 0.55 * sizes[0]
    ids = torch.tensor([tokenizer.encode("The lion")])
    with torch.inference_mode():
        torch.testing.assert_close(load_checkpoint(tmp_path / "b").model(ids), model(ids), atol=0.01, rtol=0.01)


def test_a_checkpoint_replaces_the_one_in_its_place(tmp_path, model, tokenizer):
    save_checkpoint(tmp_path / "a", model, tokenizer, extra={"n": 1})
    save_checkpoint(tmp_path / "a", model, CharTokenizer.train(TEXT), extra={"n": 2})
    assert load_checkpoint(tmp_path / "a").extra == {"n": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failed_save_leaves_the_old_checkpoint_and_no_rubbish(tmp_path, model, tokenizer, monkeypatch):
    save_checkpoint(tmp_path / "a", model, tokenizer, extra={"n": 1})

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path / "a", model, tokenizer, extra={"n": 2})
    assert load_checkpoint(tmp_path / "a").extra == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "manifest.json"])
def test_damage_anywhere_is_found_and_named(tmp_path, model, tokenizer, name):
    save_checkpoint(tmp_path / "a", model, tokenizer)
    path = tmp_path / "a" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="earlier"):
        load_checkpoint(tmp_path / "a")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_named(tmp_path, model, tokenizer, name):
    save_checkpoint(tmp_path / "a", model, tokenizer)
    (tmp_path / "a" / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(tmp_path / "a")


def test_a_checkpoint_of_another_format_is_refused(tmp_path, model, tokenizer, monkeypatch):
    monkeypatch.setattr("engine.checkpoint.FORMAT", 99)
    save_checkpoint(tmp_path / "a", model, tokenizer)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 99"):
        load_checkpoint(tmp_path / "a")


def test_nothing_in_a_checkpoint_is_pickled(tmp_path, model, tokenizer):
    save_checkpoint(tmp_path / "a", model, tokenizer)
    for path in (tmp_path / "a").iterdir():
        assert path.suffix in {".json", ".safetensors"}
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
