"""Instruction fine-tuning: examples become text by a template, and only the answer is learned.

An example is an instruction, perhaps an input, and an answer. The template turns the first two into a prompt; the
answer and an end-of-text token follow. The loss of the prompt's tokens is masked (targets of −100), for the model shall
learn to answer, not to ask. Prompt and answer are encoded apart, so that the border lies between two tokens and a
prompt has the same ids in training as in use.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from engine.errors import ConfigError, CorpusError
from engine.tokenizer import END_OF_TEXT, Tokenizer
from engine.windows import LengthBatches

IGNORED = -100
"""A target that counts neither for the loss nor for its gradient."""


@dataclass(frozen=True)
class Example:
    """One thing asked and its answer; `input` may be empty."""

    instruction: str
    answer: str
    input: str = ""


@dataclass(frozen=True)
class Question:
    """An example of a set: `topic` names its kind; `fact` is what its answer must say ("240"), if there is one."""

    example: Example
    topic: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Template:
    """How a prompt is written. `with_input` is used where there is an input; both may name {instruction} and {input}.

    Raises ConfigError for a template that lacks {instruction}, names anything else or has unbalanced braces.
    """

    without_input: str = "### Instruction:\n{instruction}\n\n### Response:\n"
    with_input: str = "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"

    def __post_init__(self) -> None:
        for text, needed in ((self.without_input, {"instruction"}), (self.with_input, {"instruction", "input"})):
            try:
                parts = list(string.Formatter().parse(text))
            except ValueError as error:
                raise ConfigError(f"the template has unbalanced braces ({error}): write {{{{ for a brace.") from error
            names = [name for _, name, _, _ in parts if name is not None]
            odd = [name for name in names if name not in ("instruction", "input")]
            plain = all(not spec and conversion is None for _, name, spec, conversion in parts if name is not None)
            if odd or not plain or not needed <= set(names):
                wanted = " and ".join(f"{{{name}}}" for name in sorted(needed, reverse=True))
                raise ConfigError(f"the template must hold {wanted} and no other name in braces.")

    def to_dict(self) -> dict[str, str]:
        """A JSON-able dict of both forms."""
        return asdict(self)

    def prompt(self, instruction: str, input: str = "") -> str:
        """The text the model reads before it answers.

        >>> Template("Q: {instruction}\\nA:", "{input}\\nQ: {instruction}\\nA:").prompt("Why?")
        'Q: Why?\\nA:'
        """
        return (self.with_input if input else self.without_input).format(instruction=instruction, input=input)


@dataclass(frozen=True)
class EncodedExample:
    """Ids of a whole example, end-of-text included, and how many of them are the prompt's."""

    ids: tuple[int, ...]
    n_prompt: int


def encode_example(example: Example, template: Template, tokenizer: Tokenizer, most: int) -> EncodedExample | None:
    """The example as ids; None if it is longer than `most` + 1 tokens (inputs and targets are shifted by one).

    Raises ConfigError for a tokenizer without an end-of-text token: the model could not learn to stop.
    """
    end = end_id(tokenizer)
    asked = template.prompt(example.instruction, example.input)
    prompt = tokenizer.encode(asked)
    ids = (*prompt, *tokenizer.encode(spaced(asked, example.answer)), end)
    return EncodedExample(ids, len(prompt)) if len(ids) <= most + 1 else None


def spaced(prompt: str, answer: str) -> str:
    """The answer as it follows a prompt: with a space before it unless the prompt ends in white space.

    >>> spaced("Answer:", "240 euros."), spaced("Answer:\\n", "240 euros.")
    (' 240 euros.', '240 euros.')
    """
    return answer if not prompt or prompt[-1].isspace() else f" {answer}"


def end_id(tokenizer: Tokenizer) -> int:
    """The id of the end-of-text token; ConfigError if the tokenizer has none."""
    if tokenizer.end_of_text_id is None:
        raise ConfigError(f"this tokenizer has no {END_OF_TEXT}, so a model could not learn where an answer ends.")
    return tokenizer.end_of_text_id


def collate(
    examples: Sequence[EncodedExample], *, mask_prompt: bool = True, padding_id: int = 0
) -> tuple[Tensor, Tensor]:
    """Inputs and targets (B, T) int64 of examples of any lengths, targets shifted by one.

    Shorter rows are filled up at the right end with `padding_id`, their targets with −100. The end-of-text that closes
    an answer stays a target, whatever the padding is.
    """
    longest = max(len(example.ids) for example in examples) - 1
    inputs = torch.full((len(examples), longest), padding_id, dtype=torch.int64)
    targets = torch.full((len(examples), longest), IGNORED, dtype=torch.int64)
    for row, example in enumerate(examples):
        ids = torch.tensor(example.ids)
        inputs[row, : len(ids) - 1] = ids[:-1]
        first = (
            max(0, example.n_prompt - 1) if mask_prompt else 0
        )  # the prompt's last token predicts the answer's first
        targets[row, first : len(ids) - 1] = ids[first + 1 :]
    return inputs, targets


def padding_share(examples: Sequence[EncodedExample]) -> float:
    """How much of a batch of these is padding, 0 to 1."""
    lengths = [len(example.ids) - 1 for example in examples]
    area = max(lengths, default=0) * len(lengths)
    return 1 - sum(lengths) / area if area else 0.0


class ExampleSampler:
    """The batch of any step (see `engine.windows.LengthBatches`); ConfigError for no example."""

    def __init__(
        self, examples: Sequence[EncodedExample], batch_size: int, seed: int = 0, *, mask_prompt: bool = True
    ) -> None:
        self.examples, self.mask_prompt = list(examples), mask_prompt
        self.batches = LengthBatches([len(example.ids) for example in self.examples], batch_size, seed)

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every example has been read once, but for what is left over."""
        return self.batches.per_epoch

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets (B, T) of a step, the same for the same seed."""
        return collate([self.examples[row] for row in self.batches.rows(step)], mask_prompt=self.mask_prompt)


_ALPACA = (("instruction",), ("output", "response", "answer", "completion"), ("input", "context"))


def read_examples(data: str) -> list[Example]:
    """Examples out of JSON: a list or lines of objects, in Alpaca's form (instruction, input, output) or as chats
    ({"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}; the first exchange counts).

    Raises CorpusError with the number of the entry at fault.
    """
    entries = _json_entries(data)
    examples = []
    for number, entry in enumerate(entries, start=1):
        example = _from_chat(entry) if isinstance(entry, dict) and "messages" in entry else _from_alpaca(entry)
        if example is None:
            raise CorpusError(
                f"Entry {number} is no example: give it an instruction and an output, or messages of a user and an "
                "assistant, all of them text that is not empty."
            )
        examples.append(example)
    if not examples:
        raise CorpusError("There is no example in it: give at least one instruction with its output.")
    return examples


def _json_entries(data: str) -> list[Any]:
    try:
        if data.lstrip().startswith("["):
            return list(json.loads(data))
        return [json.loads(line) for line in data.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"This is not JSON ({error}): give a list of objects, or one object on each line.") from None


def _from_alpaca(entry: Any) -> Example | None:
    if not isinstance(entry, dict):
        return None
    found = [next((entry[name] for name in names if name in entry), "") for names in _ALPACA]
    if not all(isinstance(value, str) for value in found) or not found[0].strip() or not found[1].strip():
        return None
    return Example(found[0].strip(), found[1].strip(), found[2].strip())


def _from_chat(entry: dict[str, Any]) -> Example | None:
    messages = entry["messages"]
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return None
    said: dict[Any, str] = {}
    for message in messages:
        if isinstance(message.get("content"), str):
            said.setdefault(message.get("role"), message["content"].strip())
    if not said.get("user") or not said.get("assistant"):
        return None
    return Example(said["user"], said["assistant"])
