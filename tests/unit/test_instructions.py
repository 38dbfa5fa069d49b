"""Templates, the mask and the batch: masked tokens count for nothing, the end is learned, padding is not."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from engine.checkpoint import load_gpt2
from engine.errors import ConfigError, CorpusError
from engine.gpt import GPT, GPTConfig
from engine.instructions import (
    IGNORED,
    Example,
    ExampleSampler,
    Template,
    collate,
    encode_example,
    end_id,
    padding_share,
    read_examples,
)
from engine.tokenizer import BPETokenizer, ByteTokenizer
from engine.training import Trainer, TrainingConfig

EXAMPLES = [
    Example("What does a ticket to Rome cost?", "240 euros."),
    Example("Translate.", "Le chat dort.", "The cat sleeps."),
    Example("Say hi", "hi"),
]


def encoded(tokenizer=None, most=400):
    tokenizer = tokenizer or ByteTokenizer()
    return [encode_example(example, Template(), tokenizer, most) for example in EXAMPLES]


def model() -> GPT:
    return GPT(GPTConfig(vocab_size=257, context_length=160, n_layers=1, n_heads=2, d_model=16), seed=1)


def test_an_example_is_its_prompt_its_answer_and_the_end():
    tokenizer = BPETokenizer.train("What does a ticket to Rome cost? 240 euros. Instruction Response " * 9, 330)
    for example, found in zip(EXAMPLES, encoded(tokenizer), strict=True):
        prompt = Template().prompt(example.instruction, example.input)
        assert tokenizer.decode(found.ids[: found.n_prompt]) == prompt
        assert tokenizer.decode(found.ids[found.n_prompt : -1]) == example.answer
        assert found.ids[-1] == end_id(tokenizer) == tokenizer.end_of_text_id
        assert list(found.ids[: found.n_prompt]) == tokenizer.encode(prompt)  # in training as in use
    assert encoded(most=20) == [None, None, None]
    with pytest.raises(ConfigError, match="endoftext"):
        end_id(BPETokenizer.train("abc abc", 258, special_tokens=()))


def test_text_that_spells_the_end_of_text_in_an_answer_does_not_end_it():
    found = encode_example(Example("a", "b<|endoftext|>c"), Template(), ByteTokenizer(), 100)
    assert found.ids.count(256) == 1


@pytest.mark.parametrize("mask_prompt", [True, False])
def test_targets_are_the_next_tokens_of_the_answer_and_its_end(mask_prompt):
    examples = encoded()
    inputs, targets = collate(examples, mask_prompt=mask_prompt, padding_id=256)
    for row, example in enumerate(examples):
        length = len(example.ids) - 1
        assert inputs[row, :length].tolist() == list(example.ids[:-1])
        assert (inputs[row, length:] == 256).all() and (targets[row, length:] == IGNORED).all()
        learned = targets[row][targets[row] != IGNORED].tolist()
        assert learned == list(example.ids[example.n_prompt if mask_prompt else 1 :])
        assert learned[-1] == 256  # also where the padding is the same id
    lengths = [len(example.ids) - 1 for example in examples]
    assert padding_share(examples) == pytest.approx(1 - sum(lengths) / (3 * max(lengths)))


def test_masked_tokens_contribute_neither_to_the_loss_nor_to_its_gradient():
    net = model()
    inputs, targets = collate(encoded())
    net.loss(inputs, targets).backward()
    gradient = net.head.weight.grad.clone()
    logits = net(inputs).detach()
    kept = targets != IGNORED
    assert net.loss(inputs, targets).item() == pytest.approx(
        F.cross_entropy(logits[kept], targets[kept]).item(), rel=1e-6
    )
    probe = logits.clone().requires_grad_(True)
    F.cross_entropy(probe.flatten(0, 1), targets.flatten(), ignore_index=IGNORED).backward()
    assert (probe.grad[~kept] == 0).all() and (probe.grad[kept].abs().sum(-1) > 0).all()
    # Whatever stands behind an answer's end changes nothing: a causal model does not see it.
    longer = torch.cat([inputs, torch.full((3, 9), 7)], 1)
    masked = torch.cat([targets, torch.full((3, 9), IGNORED)], 1)
    net.zero_grad()
    net.loss(longer, masked).backward()
    torch.testing.assert_close(net.head.weight.grad, gradient, atol=1e-7, rtol=1e-5)


def test_the_masked_loss_is_that_of_transformers_with_the_same_weights(tmp_path):
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=257, n_positions=160, n_layer=1, n_head=2, n_embd=16)).eval()
    theirs.save_pretrained(tmp_path / "small")
    ours = load_gpt2(tmp_path / "small").eval()
    inputs, targets = collate(encoded())
    labels = torch.cat([torch.full((3, 1), IGNORED), targets], 1)  # transformers shifts by itself
    ids = torch.cat([inputs, torch.zeros(3, 1, dtype=torch.int64)], 1)
    assert ours.loss(inputs, targets).item() == pytest.approx(theirs(ids, labels=labels).loss.item(), abs=1e-5)


def test_a_model_learns_the_answers_and_where_they_end():
    sampler = ExampleSampler(encoded(), 3)
    assert sampler.steps_per_epoch == 1
    net = model()
    config = TrainingConfig(steps=150, batch_size=3, learning_rate=1e-2, optimizer="adamw", evaluations=0, prompts=())
    list(Trainer(net, sampler, config).events())
    net.eval()
    for example, found in zip(EXAMPLES, encoded(), strict=True):
        ids = list(found.ids[: found.n_prompt])
        while len(ids) < 159 and ids[-1] != 256:
            ids.append(int(net(torch.tensor([ids]))[0, -1].argmax()))
        assert ByteTokenizer().decode(ids[found.n_prompt : -1]) == example.answer


def test_an_epoch_reads_each_example_once_and_the_seed_decides_the_order():
    many = [encode_example(Example(f"n {n}", "x" * (n % 5 + 1)), Template(), ByteTokenizer(), 99) for n in range(24)]

    def rows(sampler, epoch):
        batches = [sampler.batch(step)[0] for step in range(6 * epoch, 6 * epoch + 6)]
        return sorted(tuple(row[row != 0].tolist()) for batch in batches for row in batch)

    sampler = ExampleSampler(many, 4, seed=2)
    assert rows(sampler, 0) == rows(sampler, 1) and len(set(rows(sampler, 0))) == 24
    assert torch.equal(sampler.batch(3)[0], ExampleSampler(many, 4, seed=2).batch(3)[0])
    with pytest.raises(ConfigError, match="nothing to train on"):
        ExampleSampler([], 4)


def test_templates_that_cannot_work_are_explained():
    for text in ("no name", "{instruction", "{instruction} {answer}", "{instruction!r}", "{instruction:>9}", "{}"):
        with pytest.raises(ConfigError, match="template"):
            Template(without_input=text)
    with pytest.raises(ConfigError, match="input"):
        Template(with_input="{instruction}")
    assert Template("{{x}} {instruction}", "{instruction}{input}").prompt("why {this}?") == "{x} why {this}?"


def test_examples_are_read_in_both_forms_and_faults_are_numbered():
    alpaca = [{"instruction": "a", "input": "", "output": "b"}, {"instruction": "c", "context": "d", "response": "e"}]
    chat = {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "r"},
        ]
    }
    assert read_examples(json.dumps(alpaca)) == [Example("a", "b"), Example("c", "e", "d")]
    assert read_examples("\n".join(map(json.dumps, [*alpaca, chat])))[-1] == Example("q", "r")
    for data, message in (
        ("{", "not JSON"),
        ("[1]", "Entry 1"),
        ('{"instruction": "a", "output": "b"}\n{"instruction": "", "output": "b"}', "Entry 2"),
        ('{"messages": [{"role": "user", "content": "q"}]}', "Entry 1"),
        ('{"instruction": 3, "output": "b"}', "Entry 1"),
        ("", "no example"),
        ("[]", "no example"),
        ("[" * 100_000, "not JSON"),
    ):
        with pytest.raises(CorpusError, match=message):
            read_examples(data)
    assert np.isfinite(padding_share(encoded()))
