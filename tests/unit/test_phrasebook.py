"""The paradigms below are written out by hand, form by form, as in a school grammar: they are the oracle."""

import re

import pytest

from engine.phrasebook import (
    _FRENCH_BE,
    Phrase,
    _join_french,
    _NounPhrase,
    _prepositional,
    phrase_pairs,
    phrasebook,
)
from engine.phrasebook_lexicon import ADJECTIVES, GIVING, HAVE, LIKE, MODALS, NOUNS, PREPOSITIONS, VERBS

PHRASES = phrase_pairs(30_000, 11)


def noun_phrase(determiner: str, adjective: str, noun: str, plural: bool = False) -> _NounPhrase:
    word = next(entry for entry in NOUNS if entry.english == noun)
    chosen = next((entry for entry in ADJECTIVES if entry.english == adjective and word.kind in entry.kinds), None)
    assert chosen or not adjective
    return _NounPhrase(word, plural, determiner, chosen)


GERMAN = """
the  old   man    sg  der alte Mann | den alten Mann | dem alten Mann
a    old   man    sg  ein alter Mann | einen alten Mann | einem alten Mann
this old   man    sg  dieser alte Mann | diesen alten Mann | diesem alten Mann
no   old   man    sg  kein alter Mann | keinen alten Mann | keinem alten Mann
the  old   man    pl  die alten Männer | die alten Männer | den alten Männern
a    old   man    pl  alte Männer | alte Männer | alten Männern
no   old   man    pl  keine alten Männer | keine alten Männer | keinen alten Männern
this old   man    pl  diese alten Männer | diese alten Männer | diesen alten Männern
the  young woman  sg  die junge Frau | die junge Frau | der jungen Frau
a    young woman  sg  eine junge Frau | eine junge Frau | einer jungen Frau
this young woman  sg  diese junge Frau | diese junge Frau | dieser jungen Frau
two  young woman  pl  zwei junge Frauen | zwei junge Frauen | zwei jungen Frauen
the  small child  sg  das kleine Kind | das kleine Kind | dem kleinen Kind
a    small child  sg  ein kleines Kind | ein kleines Kind | einem kleinen Kind
this small child  sg  dieses kleine Kind | dieses kleine Kind | diesem kleinen Kind
my   small child  sg  mein kleines Kind | mein kleines Kind | meinem kleinen Kind
my   small child  pl  meine kleinen Kinder | meine kleinen Kinder | meinen kleinen Kindern
the  brave boy    sg  der mutige Junge | den mutigen Jungen | dem mutigen Jungen
a    brave lion   sg  ein mutiger Löwe | einen mutigen Löwen | einem mutigen Löwen
our  old   uncle  sg  unser alter Onkel | unseren alten Onkel | unserem alten Onkel
our  old   uncle  pl  unsere alten Onkel | unsere alten Onkel | unseren alten Onkeln
her  old   aunt   sg  ihre alte Tante | ihre alte Tante | ihrer alten Tante
an   expensive car sg  ein teures Auto | ein teures Auto | einem teuren Auto
the  new   car    pl  die neuen Autos | die neuen Autos | den neuen Autos
the  dark  forest sg  der dunkle Wald | den dunklen Wald | dem dunklen Wald
"""


@pytest.mark.parametrize("row", GERMAN.strip().split("\n"))
def test_german_noun_phrases_decline_as_in_the_grammar(row: str) -> None:
    determiner, adjective, noun, number, forms = row.split(None, 4)
    phrase = noun_phrase({"an": "a"}.get(determiner, determiner), adjective, noun, number == "pl")
    assert [phrase.german(case) for case in ("nom", "acc", "dat")] == [form.strip() for form in forms.split("|")]


@pytest.mark.parametrize(
    ("determiner", "adjective", "noun", "plural", "expected"),
    [
        ("the", "old", "hotel", False, "le vieil hôtel"),
        ("a", "beautiful", "bird", False, "un bel oiseau"),
        ("a", "beautiful", "bird", True, "de beaux oiseaux"),
        ("a", "red", "car", True, "des voitures rouges"),
        ("this", "", "man", False, "cet homme"),
        ("this", "brave", "man", False, "cet homme courageux"),
        ("this", "young", "man", False, "ce jeune homme"),
        ("this", "", "hedgehog", False, "ce hérisson"),
        ("this", "", "school", False, "cette école"),
        ("my", "", "school", False, "mon école"),
        ("my", "new", "school", False, "ma nouvelle école"),
        ("her", "useful", "ladder", False, "son échelle utile"),
        ("their", "white", "horse", True, "leurs chevaux blancs"),
        ("no", "fresh", "pear", False, "de poire fraîche"),
        ("three", "heavy", "box", True, "trois boîtes lourdes"),
        ("a", "new", "hotel", False, "un nouvel hôtel"),
        ("the", "delicious", "egg", True, "les œufs délicieux"),
    ],
)
def test_french_noun_phrases_agree(determiner: str, adjective: str, noun: str, plural: bool, expected: str) -> None:
    assert noun_phrase(determiner, adjective, noun, plural).french() == expected


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("près de le jardin", "près du jardin"),
        ("près de les jardins", "près des jardins"),
        ("près de le hôtel", "près de l'hôtel"),
        ("à le garçon", "au garçon"),
        ("à les enfants", "aux enfants"),
        ("à la école", "à l'école"),
        ("je aime le hérisson", "j'aime le hérisson"),
        ("est-ce que il ne entend pas le âne ?", "est-ce qu'il n'entend pas l'âne ?"),
        ("pas de œufs", "pas d'œufs"),
    ],
)
def test_french_elides_and_contracts(written: str, spoken: str) -> None:
    assert _join_french(written) == spoken


def test_german_contracts_only_with_the_definite_article() -> None:
    inside = next(entry for entry in PREPOSITIONS if entry.english == "in")
    assert _prepositional(inside, noun_phrase("the", "", "garden"))[2] == "im Garten"
    assert _prepositional(inside, noun_phrase("this", "", "garden"))[2] == "in diesem Garten"
    assert _prepositional(inside, noun_phrase("the", "", "school"))[2] == "in der Schule"


ELISION_MISSED = re.compile(r"\b(le|la|de|que|je|ne|ma|ta|sa|ce|beau|nouveau) ([aeiouéèêàâîôûœ]|h(?!ériss))", re.I)


def test_no_phrase_misses_an_elision_or_a_contraction() -> None:
    for phrase in PHRASES:
        assert not ELISION_MISSED.search(phrase.french), phrase.french
        assert not re.search(r"\b(de les?|à les?)\b", phrase.french), phrase.french


def test_no_phrase_says_a_word_twice_in_a_row() -> None:
    for phrase in PHRASES:
        for sentence in (phrase.english, phrase.french, phrase.german):
            assert not re.search(r"\b(\w+) \1\b|  ", sentence), sentence


def test_three_languages_make_the_same_kind_of_sentence() -> None:
    for phrase in PHRASES:
        marks = {phrase.english[-1], phrase.french[-1], phrase.german[-1]}
        assert marks in ({"."}, {"?"}), phrase
        assert phrase.french.endswith(" ?") or phrase.french.endswith(".")
        negated = " not " in phrase.english
        assert negated == bool(re.search(r"\b(ne |n')", phrase.french)), phrase
        assert negated == bool(re.search(r"\bnicht\b|\bkein", phrase.german)), phrase


def test_every_noun_and_adjective_is_used() -> None:
    text = " ".join(phrase.english.lower() for phrase in PHRASES)
    missing = [noun.english for noun in NOUNS if noun.english not in text]
    missing += [adjective.english for adjective in ADJECTIVES if adjective.english not in text]
    assert not missing


def test_verb_tables_follow_the_rules_of_regular_verbs() -> None:
    endings = ("e", "es", "e", "ons", "ez", "ent")
    for verb in (*VERBS, *GIVING, HAVE, LIKE, *MODALS):
        assert len(verb.french) == len(_FRENCH_BE)
        if verb.french_infinitive.endswith("er"):
            assert all(form.endswith(end) for form, end in zip(verb.french, endings, strict=True)), verb
            assert verb.french_participle == verb.french_infinitive[:-2] + "é"
        if verb not in MODALS and verb is not LIKE:
            ich, du, er, wir = verb.german
            assert ich.endswith("e") and er.endswith("t") and wir.endswith("n")
            assert du.endswith(("st", "ßt", "zt", "sst")), verb


def test_a_megabyte_has_almost_no_phrase_twice() -> None:
    lines = [line for line in phrasebook(1_000_000, 0).split("\n") if line.startswith("English: ")]
    assert 1 - len(set(lines)) / len(lines) < 0.01


def test_a_page_sets_the_three_languages_under_each_other() -> None:
    page = phrasebook(3_000, 5)
    first = phrase_pairs(1, 5)[0]
    assert page.startswith(f"English: {first.english}\nFrench: {first.french}\nGerman: {first.german}\n\nEnglish: ")
    assert len(page) == 3_000 and page == phrasebook(9_000, 5)[:3_000]


def test_phrases_come_from_the_seed() -> None:
    assert phrase_pairs(50, 1) == phrase_pairs(80, 1)[:50] != phrase_pairs(50, 2)
    assert all(isinstance(phrase, Phrase) for phrase in phrase_pairs(3, 1))
