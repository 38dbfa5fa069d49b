"""The bot of rules: the strongest rule answers, words come back turned round, nothing typed makes it fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rule_bot import ANYTHING, RULES, Rule, RuleBot, reflect


@pytest.mark.parametrize(
    ("said", "turned"),
    [
        ("my exam", "your exam"),
        ("you help me", "I help you"),
        ("I was late", "you were late"),
        ("you are kind to me", "I am kind to you"),
        ("nobody listens to you", "nobody listens to me"),
        ("I'm sure you've seen mine", "you are sure I have seen yours"),
        ("myself and yourself", "yourself and myself"),
        ("the lion", "the lion"),
        ("", ""),
    ],
)
def test_words_are_turned_round(said: str, turned: str) -> None:
    assert reflect(said) == turned


def test_a_sentence_is_taken_apart_into_numbered_parts() -> None:
    rule = Rule("want", 1, "* i want/would_like *", ("Why {4}?",))
    assert rule.parts == ("*", "i", "want / would like", "*")
    assert rule.take_apart("today i would like my tea".split()) == ("today", "i", "would like", "my tea")
    assert rule.take_apart("i want".split()) == ("", "i", "want", "")
    assert rule.take_apart("hi wanted tea".split()) is None  # keywords are whole words


def test_the_strongest_rule_answers_and_the_others_are_told() -> None:
    answer = RuleBot().answer("I am sad because my computer is broken.")
    assert answer.rule.name == "machines"
    assert {rule.name for rule in answer.others} == {"I am", "because", "my"}
    assert answer.read == "i am sad because my computer is broken"


def test_a_rule_gives_its_answers_in_turn() -> None:
    bot = RuleBot()
    rule = next(rule for rule in RULES if rule.name == "dreams")
    said = [bot.answer("I had a dream").text for _ in range(len(rule.answers) + 1)]
    assert said[: len(rule.answers)] == list(rule.answers) and said[-1] == said[0]


def test_what_was_said_is_taken_up_where_nothing_fits() -> None:
    bot = RuleBot()
    bot.answer("I feel lost in my new town.")
    later = bot.answer("The weather is nice.")
    assert later.remembered and later.text == "Do you still feel lost in your new town?"
    assert bot.answer("The weather is nice.").text == ANYTHING.answers[0]


def test_an_answer_whose_part_is_empty_is_passed_over() -> None:
    assert "{" not in RuleBot().answer("I feel").text
    assert RuleBot().answer("my").text in ANYTHING.answers


def test_every_rule_can_fire_and_its_answers_name_parts_that_it_has() -> None:
    for rule in RULES:
        sentence = " ".join(
            "tea" if part == "*" else part.split("/")[0].replace("_", " ") for part in rule.pattern.split()
        )
        captured = rule.take_apart(sentence.split())
        assert captured is not None, rule.name
        for answer in (*rule.answers, rule.remember):
            assert all(int(digit) <= len(captured) for digit in answer.split("{")[1:] for digit in digit[0])
        assert RuleBot((rule,)).answer(sentence).rule is rule
    assert len({rule.name for rule in RULES}) == len(RULES)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=5))
def test_nothing_that_is_typed_makes_it_fail(messages: list[str]) -> None:
    bot, again = RuleBot(), RuleBot()
    for message in messages:
        answer = bot.answer(message)
        assert answer.text and "{" not in answer.text.replace(message.lower(), "")
        assert answer == again.answer(message)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "   ",
        "\x00\x00",
        "a" * 100_000,
        "you me " * 5_000,
        "́" * 100_000,
        "\u202eevil",
        "<script>",
        "i want " * 9_999,
    ],
)
def test_strange_messages_get_an_answer_at_once(message: str) -> None:
    assert RuleBot().answer(message).text
