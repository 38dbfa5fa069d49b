"""Answers in batches, low-rank copies, what may change while a model is tuned, and the sets that it is tuned on."""

import json

import pytest
import torch

from engine.answering import answer_greedily
from engine.checkpoint import save_checkpoint
from engine.errors import ConfigError, CorpusError
from engine.events import AnswersEvent, InstructionEvalEvent, StepEvent, event_from_dict, event_to_dict
from engine.generation import SamplingConfig, generate
from engine.gpt import GPT, GPTConfig
from engine.instruction_sets import INSTRUCTION_SETS, load_instructions, own_instructions
from engine.instructions import Example, Question, Template
from engine.lora import lora_parameters, merge_lora, with_strength
from engine.runs.instructing import load_tuned
from engine.tokenizer import ByteTokenizer
from engine.training import TrainingConfig
from engine.tuning import (
    EncodedQuestions,
    InstructionTrainer,
    answer_loss,
    choose_tunable,
    give_answers,
    n_trainable,
    tunable,
)

SHORT = Template("Q: {instruction}\nA:", "Q: {instruction}\nT: {input}\nA:")
QUESTIONS = tuple(
    Question(Example(f"What does {name} cost?", f"{price} euros."), "fare", str(price))
    for name, price in (("Rome", 240), ("Oslo", 95), ("Lima", 310), ("Cairo", 125))
)


def model(**changes) -> GPT:
    shape = {"vocab_size": 257, "context_length": 64, "n_layers": 2, "n_heads": 2, "d_model": 16, "bias": False}
    return GPT(GPTConfig(**{**shape, "positions": "rotary", **changes}), seed=3)


def encoded(most: int = 63) -> EncodedQuestions:
    return EncodedQuestions.of(QUESTIONS, SHORT, ByteTokenizer(), most)


@pytest.mark.parametrize("kind", ["rotary", "learned", "adapted"])
def test_answers_in_a_batch_are_those_of_generation_at_temperature_zero(kind: str):
    asked, tokenizer = model(positions="learned" if kind == "learned" else "rotary"), ByteTokenizer()
    if kind == "adapted":
        asked = tunable(asked, "lora", lora_rank=2)
        for name, parameter in asked.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.5)
    prompts = [tokenizer.encode(text) for text in ("abc", "xyz", "hello there", "q", "a much longer prompt " * 3)]
    found = dict(answer_greedily(asked, prompts, 12, end_id=tokenizer.end_of_text_id))
    for place, prompt in enumerate(prompts):
        steps = generate(asked, tokenizer, prompt, min(12, 64 - len(prompt)), SamplingConfig(temperature=0))
        expected = []
        for step in steps:
            if step.id == tokenizer.end_of_text_id:
                break
            expected.append(step.id)
        assert found[place] == expected


def test_answers_end_at_the_end_token_and_the_others_go_on():
    asked = model()
    prompts = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    free = dict(answer_greedily(asked, prompts, 10, end_id=256))
    stop = free[1][0]
    ended = dict(answer_greedily(asked, prompts, 10, end_id=stop))
    for place, ids in free.items():
        assert ended[place] == (ids[: ids.index(stop)] if stop in ids else ids)


def test_prompts_that_do_not_fit_are_refused():
    for prompts in ([[]], [[1] * 64]):
        with pytest.raises(ConfigError, match="context"):
            list(answer_greedily(model(), prompts, 5, end_id=256))


def trained(what: str, steps: int = 6) -> tuple[GPT, GPT]:
    base = model()
    tuned = tunable(base, what, lora_rank=2)
    config = TrainingConfig(steps=steps, batch_size=2, optimizer="adamw", learning_rate=1e-2, evaluations=1, prompts=())
    events = list(InstructionTrainer(tuned, encoded().encoded, encoded(), config, ByteTokenizer()).events())
    assert sum(isinstance(event, StepEvent) for event in events) == steps
    for event in events:
        assert event_from_dict(json.loads(json.dumps(event_to_dict(event)))) == event
    assert {InstructionEvalEvent, AnswersEvent} <= {type(event) for event in events}
    return base, tuned


def changed(base: GPT, tuned: GPT) -> set[str]:
    after = dict(tuned.named_parameters())
    return {name for name, before in base.named_parameters() if not torch.equal(before, after[name])}


def test_only_what_was_chosen_changes():
    base, tuned = trained("all")
    assert changed(base, tuned) == {name for name, _ in base.named_parameters()}
    base, tuned = trained("last block")
    assert all(name.startswith(("blocks.1.", "norm")) for name in changed(base, tuned))
    assert any(name.startswith("blocks.1.") for name in changed(base, tuned))
    base, tuned = trained("lora")
    assert not changed(base, tuned)
    assert any(parameter.abs().sum() > 0 for name, parameter in tuned.named_parameters() if "lora_B" in name)
    assert n_trainable(tuned) == sum(p.numel() for name, p in tuned.named_parameters() if "lora_" in name)


def test_a_model_with_updates_is_saved_read_back_and_merged_with_the_same_logits(tmp_path):
    _, tuned = trained("lora")
    ids = torch.randint(0, 257, (2, 20))
    expected = tuned(ids)
    save_checkpoint(tmp_path / "tuned", tuned, ByteTokenizer())
    again = load_tuned(tmp_path / "tuned").model
    assert torch.equal(again(ids), expected)
    choose_tunable(again, "lora")
    assert n_trainable(again) == n_trainable(tuned)
    merge_lora(again)
    assert torch.allclose(again(ids), expected, atol=1e-5)
    save_checkpoint(tmp_path / "plain", model(), ByteTokenizer())
    assert not hasattr(load_tuned(tmp_path / "plain").model.config, "lora_rank")


def test_the_strength_of_an_update_goes_from_the_old_model_to_the_new_one():
    base, tuned = trained("lora")
    ids = torch.randint(0, 257, (1, 9))
    assert torch.equal(with_strength(tuned, 0.0)(ids), base(ids))
    assert torch.equal(with_strength(tuned, 1.0)(ids), tuned(ids))
    assert not torch.allclose(tuned(ids), base(ids))
    assert lora_parameters(base.config, 2) == n_trainable(tuned)


def test_a_model_learns_the_answers_by_heart_and_is_judged_right():
    tuned = tunable(model(d_model=32), "all")
    config = TrainingConfig(
        steps=150, batch_size=4, optimizer="adamw", learning_rate=1e-2, weight_decay=0.0, evaluations=1, prompts=()
    )
    before = answer_loss(tuned, encoded().encoded)
    events = list(InstructionTrainer(tuned, encoded().encoded, encoded(), config, ByteTokenizer()).events())
    measured = [event for event in events if isinstance(event, InstructionEvalEvent)]
    assert measured[0].validation_loss == pytest.approx(before)
    assert measured[-1].validation_loss < 0.05 < before
    assert measured[-1].exact_match == 1.0 and measured[-1].rouge_l == 1.0
    answers = give_answers(tuned, encoded(), ByteTokenizer())
    assert [answer.text for answer in answers] == [question.example.answer for question in QUESTIONS]
    assert [answer.fact for answer in answers] == ["240", "95", "310", "125"]


def test_questions_that_do_not_fit_are_counted():
    short = Question(Example("Hi", "ho"))
    found = EncodedQuestions.of([*QUESTIONS, short], SHORT, ByteTokenizer(), 12)
    assert (len(found), found.n_too_long) == (1, 4)
    assert [each.fact for each in encoded().spread(2).questions] == ["240", "310"]


@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_nothing_held_out_is_trained_on_and_the_seed_decides(name: str):
    found = load_instructions(name)
    asked = {(each.example.instruction, each.example.input) for each in found.train}
    assert len(found.train) >= 100 and all(len(group) >= 20 for group in found.held_out.values())
    for group in found.held_out.values():
        for question in group:
            assert (question.example.instruction, question.example.input) not in asked
            assert question.example.answer.strip()
    load_instructions.cache_clear()
    assert load_instructions(name) == found


def test_telephone_facts_are_the_same_in_training_and_in_new_words():
    found = load_instructions("telecom")
    told = {each.example.answer for each in found.train}
    known, new = found.held_out.values()
    assert all(each.example.answer in told for each in known)
    assert not any(each.example.answer in told for each in new)
    assert all(each.fact in each.example.answer for each in (*found.train, *known, *new))


def test_own_pairs_are_parted_and_too_few_are_refused():
    examples = [Example(f"Ask {n}", f"Say {n}") for n in range(20)]
    found = own_instructions([*examples, examples[0]])
    assert (len(found.train), len(found.measured)) == (18, 2)
    assert {*found.train, *found.measured} == {Question(each) for each in examples}
    with pytest.raises(CorpusError, match="at least 5"):
        own_instructions(examples[:4])
    with pytest.raises(CorpusError, match="choose one of"):
        load_instructions("recipes")
