"""The glossary: its terms, and the links that a text gets to them."""

from __future__ import annotations

import re

import pytest

from pages.guides import GUIDES
from pages.shared import sitemap
from pages.shared.glossary import TERMS, anchor, linked

LINK = re.compile(r'\[([^\]]*)\]\(/glossary\?term=([^ )]*) "([^"]*)"\)')


def links(text: str) -> list[str]:
    """The words that `linked` makes links of, in their order."""
    return [match[1] for match in LINK.finditer(linked(text))]


@pytest.mark.parametrize(
    "text",
    [
        "`token` and `loss = 3`",
        "[the token](https://example.org/token)",
        "$loss + token$",
        "**Token** and **the loss of a token**",
        "tokens_per_second is no word of the field",
        "a sub-token, a token-wise loss-free thing",
        "nothing to see",
        "",
    ],
)
def test_code_links_formulas_and_bold_titles_are_left_alone(text):
    assert [word for word in links(text) if word] == []
    assert linked(text) == text


def test_only_the_first_occurrence_of_a_term_is_linked_whatever_its_form():
    assert links("A token, two tokens, one Token. The loss, and losses.") == ["token", "loss"]


def test_a_word_in_code_does_not_use_up_the_link():
    assert linked("`token` is a token").startswith("`token` is a [token](")


def test_the_longest_term_wins():
    assert links("the validation loss falls") == ["validation loss"]
    assert links("an attention head is a part of multi-head attention") == ["attention head", "multi-head attention"]


def test_the_words_of_a_text_stay_what_they_are():
    text = "Tokens, the softmax and (so to speak) a **bold** KV cache; `code` and $x$."
    assert LINK.sub(r"\1", linked(text)) == text


def test_a_link_shows_the_meaning_and_leads_to_the_term():
    (found,) = LINK.finditer(linked("one softmax"))
    softmax = next(term for term in TERMS if term.name == "softmax")
    assert (found[2], found[3]) == ("softmax", softmax.meaning)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_every_term_can_be_linked_and_its_lesson_exists(term):
    assert sitemap.has_lesson(term.lesson) and term.lesson != "glossary"
    assert term.meaning.endswith(".") and "\n" not in term.meaning
    for form in (term.name, *term.forms):
        assert links(f"about {form}, in short") == [form]


def test_anchors_and_forms_are_unique():
    anchors = [anchor(term.name) for term in TERMS]
    assert len(set(anchors)) == len(anchors) and all(anchors)
    forms = [form.lower() for term in TERMS for form in (term.name, *term.forms)]
    assert len(set(forms)) == len(forms)


def test_terms_stand_in_the_order_of_the_alphabet():
    names = [term.name.lower() for term in TERMS]
    assert names == sorted(names)


@pytest.mark.parametrize("word", ["cross-attention", "teacher forcing", "BLEU", "logit lens", "recall", "exact match"])
def test_terms_of_the_field_that_the_guides_use_are_there(word):
    assert links(f"about {word} here") == [word]


def test_no_step_of_a_guide_is_broken_by_its_links():
    for guide in GUIDES.values():
        for step in guide.steps:
            assert LINK.sub(r"\1", linked(step.text)) == step.text
