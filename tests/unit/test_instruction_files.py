"""A learner's pairs in every form they come in, and updates as files."""

import io
import json
import zipfile

import pytest
import torch
from safetensors.torch import load

from engine.errors import ConfigError, CorpusError
from engine.gpt import GPT, GPTConfig
from engine.instruction_files import as_json_lines, read_example_file
from engine.instructions import Example, read_examples
from engine.lora import adapter_weights
from engine.lora_files import adapter_archive, merged, merged_archive, merging_error
from engine.runs.instructing import load_tuned
from engine.tokenizer import ByteTokenizer
from engine.tuning import tunable

PAIRS = [Example("Say hi", "hi"), Example("Translate.", "Bonjour", "Good morning"), Example("Why? <b>", 'She said "x"')]


def adapted() -> GPT:
    shape = GPTConfig(vocab_size=257, context_length=32, n_layers=2, n_heads=2, d_model=16, positions="rotary")
    model = tunable(GPT(shape, seed=1), "lora", lora_rank=2, lora_alpha=3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_pairs_survive_the_way_to_json_lines_and_back():
    assert read_examples(as_json_lines(PAIRS)) == PAIRS
    assert read_example_file(as_json_lines(PAIRS).encode(), "pairs.jsonl") == PAIRS


QUOTED = '"She said ""x"""'


@pytest.mark.parametrize(
    ("filename", "lines"),
    [
        ("p.csv", ["instruction,output,input", "Say hi,hi,", "Translate.,Bonjour,Good morning", f"Why? <b>,{QUOTED},"]),
        ("p.csv", ["Question;Answer;Context", "Say hi;hi;", "Translate.;Bonjour;Good morning", f"Why? <b>;{QUOTED};"]),
        (
            "p.tsv",
            ["PROMPT\tinput\tResponse", "Say hi\t\thi", "Translate.\tGood morning\tBonjour", f"Why? <b>\t\t{QUOTED}"],
        ),
        ("p.json", [json.dumps([{"instruction": p.instruction, "output": p.answer, "input": p.input} for p in PAIRS])]),
    ],
)
def test_tables_and_json_hold_the_same_pairs(filename: str, lines: list[str]):
    assert read_example_file("\n".join(lines).encode(), filename) == PAIRS


def test_columns_of_other_names_are_taken_in_their_order():
    found = read_example_file(b"frage,antwort\nWer?,Ich\n", "x.csv")
    assert found == [Example("Wer?", "Ich")]


@pytest.mark.parametrize(
    ("data", "filename", "problem"),
    [
        (b"a\nb\n", "x.csv", "one column"),
        (b"instruction,output\n,\n", "x.csv", "fill them in|header|row"),
        (b"", "x.jsonl", "empty"),
        (b"\x00\x01\x02", "x.csv", "text|binary"),
        (b"[1, 2]", "x.json", "Entry 1"),
        (b"{}", "x.docx", "docx"),
    ],
)
def test_files_that_hold_no_pairs_are_explained(data: bytes, filename: str, problem: str):
    with pytest.raises(CorpusError, match=problem):
        read_example_file(data, filename)


def test_a_merged_model_computes_the_same_and_is_an_ordinary_one(tmp_path):
    model = adapted()
    plain = merged(model)
    ids = torch.randint(0, 257, (2, 20))
    assert type(plain) is GPT and plain.n_parameters == plain.config.n_parameters
    assert torch.allclose(plain(ids), model(ids), atol=1e-5)
    assert 0 <= merging_error(model) < 1e-5
    with zipfile.ZipFile(io.BytesIO(merged_archive(model, ByteTokenizer()))) as zipped:
        zipped.extractall(tmp_path / "merged")
    again = load_tuned(tmp_path / "merged").model
    assert torch.equal(again(ids), plain(ids))
    with pytest.raises(ConfigError, match="no low-rank"):
        merged(plain)


def test_the_update_alone_holds_a_and_b_and_what_they_belong_to():
    model = adapted()
    with zipfile.ZipFile(io.BytesIO(adapter_archive(model, base="model:abc"))) as zipped:
        settings = json.loads(zipped.read("adapters.json"))
        weights = load(zipped.read("adapters.safetensors"))
    assert (settings["base"], settings["lora_rank"], settings["lora_alpha"]) == ("model:abc", 2, 3)
    expected = adapter_weights(model)
    assert set(weights) == set(expected)
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
    with pytest.raises(ConfigError, match="no low-rank"):
        adapter_archive(merged(model), base="model:abc")
