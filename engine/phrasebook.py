"""English sentences beside their French and German translations, written by a small grammar.

A sentence is chosen once, as a meaning (who, does what, to whom, where, when), and then said in each
language with that language's agreement: German case, gender, adjective endings and verb position; French
gender, number, elision (l'ami, qu'il) and contraction (au, du); English articles and verb forms. So the
three lines of a phrase always mean the same. Measured on the first 1,000,000 characters of seed 0:
0.1 % of the 6,073 phrases repeat an earlier one.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from engine.phrasebook_lexicon import (
    ADJECTIVES,
    ASPIRATED,
    COMPANIONS,
    DIRECTED,
    FALSE_PAIRS,
    FOOD,
    GIVING,
    HAVE,
    LIKE,
    MODALS,
    NOUNS,
    NUMBERS,
    PERSON,
    PLACE,
    PREPOSITIONS,
    TIMES,
    UNOWNED,
    VERBS,
    Adjective,
    Noun,
    Preposition,
    Verb,
)


@dataclass(frozen=True)
class Phrase:
    """One sentence in three languages."""

    english: str
    french: str
    german: str


def phrasebook(n_chars: int, seed: int) -> str:
    """The first `n_chars` characters of the phrasebook of `seed`; a longer one begins with every shorter one.

    Three lines a phrase (`English: …`, `French: …`, `German: …`) and an empty line after it; the pages have
    no end-of-text marker, since the empty line already parts them.
    """
    blocks: list[str] = []
    length = 0
    for phrase in iter_phrases(seed):
        if length >= n_chars:
            break
        block = f"English: {phrase.english}\nFrench: {phrase.french}\nGerman: {phrase.german}\n\n"
        blocks.append(block)
        length += len(block)
    return "".join(blocks)[: max(n_chars, 0)]


def phrase_pairs(n: int, seed: int) -> list[Phrase]:
    """The first `n` phrases of `seed`."""
    return list(islice(iter_phrases(seed), n))


def iter_phrases(seed: int) -> Iterator[Phrase]:
    """Phrases without end, the same for the same seed."""
    rng = random.Random(seed)
    while True:
        make = rng.choices(_KINDS, cum_weights=_CUMULATIVE)[0]
        english, french, german = make(rng)
        yield Phrase(_finish(english), _finish(_join_french(french)), _finish(german))


# Persons 0..5 are I, you, he or she, we, you (plural), they; the phrasebook uses all but the plural you.
_ENGLISH_BE = ("am", "are", "is", "are", "are", "are")
_FRENCH_BE = ("suis", "es", "est", "sommes", "êtes", "sont")
_GERMAN_BE = ("bin", "bist", "ist", "sind", "seid", "sind")
_FRENCH_HAVE = ("ai", "as", "a", "avons", "avez", "ont")
_GERMAN_HAVE = ("habe", "hast", "hat", "haben", "habt", "haben")
_FRENCH_GO = ("vais", "vas", "va", "allons", "allez", "vont")
_GERMAN_WILL = ("werde", "wirst", "wird", "werden", "werdet", "werden")

_DEFINITE = {
    "nom": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "acc": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "dat": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
}
# Endings of dieser, and of ein and the possessives.
_STRONG_ENDING = {
    "nom": {"m": "er", "f": "e", "n": "es", "p": "e"},
    "acc": {"m": "en", "f": "e", "n": "es", "p": "e"},
    "dat": {"m": "em", "f": "er", "n": "em", "p": "en"},
}
_POSSESSIVES = (
    ("my", ("mon", "ma", "mes"), "mein"),
    ("your", ("ton", "ta", "tes"), "dein"),
    ("his", ("son", "sa", "ses"), "sein"),
    ("her", ("son", "sa", "ses"), "ihr"),
    ("our", ("notre", "notre", "nos"), "unser"),
    ("their", ("leur", "leur", "leurs"), "ihr"),
)
_GERMAN_CONTRACTION = {"in dem": "im", "bei dem": "beim"}
_VOWELS = frozenset("aeiouâàéèêëîïôûùœæ")


def _with_article(phrase: str) -> str:
    """`"old cat"` -> `"an old cat"`, `"useful map"` -> `"a useful map"`"""
    return ("an " if phrase[0] in "aeiou" and not phrase.startswith("useful") else "a ") + phrase


def _begins_with_vowel(word: str) -> bool:
    """Whether French elides before `word`: vowels and silent h do, aspirated h does not."""
    return word[0] in _VOWELS or (word[0] == "h" and word.split(" ")[0] not in ASPIRATED)


_ELIDED = re.compile(r"\b(le|la|de|que|je|ne) (?=(\w+))", re.IGNORECASE)
_CONTRACTED = re.compile(r"\b(de|à) (les?)\b", re.IGNORECASE)
_FRENCH_CONTRACTION = {"de le": "du", "de les": "des", "à le": "au", "à les": "aux"}


def _join_french(text: str) -> str:
    """`"près de le jardin de la école"` -> `"près du jardin de l'école"`"""
    text = _ELIDED.sub(lambda match: f"{match[1][:-1]}'" if _begins_with_vowel(match[2].lower()) else match[0], text)
    return _CONTRACTED.sub(lambda match: _FRENCH_CONTRACTION[match[0].lower()], text)


def _finish(text: str) -> str:
    return text[0].upper() + text[1:]


@dataclass(frozen=True)
class _NounPhrase:
    """A determiner, perhaps an adjective, and a noun, ready to be said in any case.

    `determiner` is "the", "a", "this", "none" (a plural in general), "my" … "their", "no", or a number's
    English name.
    """

    noun: Noun
    plural: bool
    determiner: str
    adjective: Adjective | None = None

    @property
    def person(self) -> int:
        return 5 if self.plural else 2

    def english(self) -> str:
        noun = self.noun.english_plural if self.plural else self.noun.english
        words = f"{self.adjective.english} {noun}" if self.adjective else noun
        if self.determiner == "a":
            return f"some {words}" if self.plural else _with_article(words)
        if self.determiner in ("none", "no"):
            return words if self.plural else _with_article(words)
        if self.determiner == "this" and self.plural:
            return f"these {words}"
        return f"{self.determiner} {words}"

    def french_agreement(self) -> int:
        """The index of the adjective form: masculine, feminine, masculine plural, feminine plural."""
        return (2 if self.plural else 0) + (1 if self.noun.french_gender == "f" else 0)

    def french(self) -> str:
        words = self.noun.french_plural if self.plural else self.noun.french
        before = False
        if self.adjective:
            form = self.adjective.french[self.french_agreement()]
            before = self.adjective.french_before
            if before and not self.plural and self.noun.french_gender == "m" and _begins_with_vowel(words):
                form = self.adjective.french_before_vowel
            words = f"{form} {words}" if before else f"{words} {form}"
        feminine = self.noun.french_gender == "f"
        if self.determiner == "no":
            return f"de {words}"
        if self.determiner in ("the", "none"):
            return f"{'les' if self.plural else 'la' if feminine else 'le'} {words}"
        if self.determiner == "a":
            if self.plural:
                return f"{'de' if before else 'des'} {words}"
            return f"{'une' if feminine else 'un'} {words}"
        if self.determiner == "this":
            if self.plural:
                return f"ces {words}"
            if feminine:
                return f"cette {words}"
            return f"{'cet' if _begins_with_vowel(words) else 'ce'} {words}"
        for english, (masculine, feminine_form, plural), _ in _POSSESSIVES:
            if english == self.determiner:
                if self.plural:
                    return f"{plural} {words}"
                return f"{feminine_form if feminine and not _begins_with_vowel(words) else masculine} {words}"
        number = next(french for english, french, _ in NUMBERS if english == self.determiner)
        return f"{number} {words}"

    def german(self, case: str) -> str:
        gender = "p" if self.plural else self.noun.german_gender
        if self.plural:
            noun = self.noun.german_plural
            if case == "dat" and noun[-1] not in "ns":
                noun += "n"
        else:
            noun = self.noun.german_weak if self.noun.german_weak and case != "nom" else self.noun.german
        determiner, ending = self._german_determiner(case, gender)
        adjective = f"{self.adjective.german_stem}{ending} " if self.adjective else ""
        return f"{determiner}{adjective}{noun}"

    def _german_determiner(self, case: str, gender: str) -> tuple[str, str]:
        """The determiner with a space after it, and the ending of the adjective that follows."""
        weak = "e" if gender != "p" and (case == "nom" or (case == "acc" and gender != "m")) else "en"
        if self.determiner == "the":
            return _DEFINITE[case][gender] + " ", weak
        if self.determiner == "this":
            return "dies" + _STRONG_ENDING[case][gender] + " ", weak
        number = next((german for english, _, german in NUMBERS if english == self.determiner), None)
        if number or (gender == "p" and self.determiner in ("a", "none")):
            return f"{number} " if number else "", _STRONG_ENDING[case]["p"]
        # ein, kein, mein …: without an ending, the adjective shows the gender.
        stem = {"a": "ein", "no": "kein"}.get(self.determiner) or next(
            german for english, _, german in _POSSESSIVES if english == self.determiner
        )
        bare = (case == "nom" and gender in "mn") or (case == "acc" and gender == "n")
        strong = _STRONG_ENDING[case][gender]
        return stem + ("" if bare else strong) + " ", strong if bare else weak


@dataclass(frozen=True)
class _Pronoun:
    """A subject pronoun, with the possessive that goes back to it."""

    person: int
    english_word: str
    french_word: str
    german_word: str
    possessive: str

    def english(self) -> str:
        return self.english_word

    def french(self) -> str:
        return self.french_word

    def german(self, case: str) -> str:
        return self.german_word


_PRONOUNS = (
    _Pronoun(0, "I", "je", "ich", "my"),
    _Pronoun(1, "you", "tu", "du", "your"),
    _Pronoun(2, "he", "il", "er", "his"),
    _Pronoun(2, "she", "elle", "sie", "her"),
    _Pronoun(3, "we", "nous", "wir", "our"),
    _Pronoun(5, "they", "ils", "sie", "their"),
)

_Subject = _NounPhrase | _Pronoun
_Triple = tuple[str, str, str]

# dict.fromkeys keeps the lexicon's order; a set's order would differ from process to process.
_NOUNS_OF = {
    kind: tuple(noun for noun in NOUNS if noun.kind == kind) for kind in dict.fromkeys(noun.kind for noun in NOUNS)
}
_ADJECTIVES_OF = {
    noun: tuple(
        adjective
        for adjective in ADJECTIVES
        if noun.kind in adjective.kinds and (noun.english, adjective.english) not in FALSE_PAIRS
    )
    for noun in NOUNS
}
_OWNERS = tuple(english for english, _, _ in _POSSESSIVES)


def _noun_phrase(
    rng: random.Random,
    kinds: tuple[str, ...],
    determiners: tuple[str, ...],
    plural_share: float = 0.25,
    adjective_share: float = 0.5,
    not_noun: Noun | None = None,
) -> _NounPhrase:
    noun = not_noun
    while noun is not_noun or noun is None:
        noun = rng.choice(_NOUNS_OF[rng.choice(kinds)])
    plural = rng.random() < plural_share
    determiner = rng.choice(determiners)
    if determiner == "my":
        determiner = "the" if noun.english in UNOWNED else rng.choice(_OWNERS)
    elif determiner == "two":
        determiner, plural = rng.choice(NUMBERS)[0], True
    adjective = rng.choice(_ADJECTIVES_OF[noun]) if rng.random() < adjective_share else None
    return _NounPhrase(noun, plural, determiner, adjective)


def _subject(rng: random.Random, kinds: tuple[str, ...]) -> _Subject:
    if PERSON in kinds and rng.random() < 0.2:
        return rng.choice(_PRONOUNS)
    kind = PERSON if PERSON in kinds and rng.random() < 0.75 else rng.choice(kinds)
    return _noun_phrase(rng, (kind,), ("the", "the", "the", "my", "this", "a", "two"), adjective_share=0.45)


def _object(rng: random.Random, kinds: tuple[str, ...], subject: _Subject) -> _NounPhrase:
    determiners = ("the", "the", "a", "a", "this", "two", "my")
    phrase = _noun_phrase(rng, kinds, determiners, not_noun=subject.noun if isinstance(subject, _NounPhrase) else None)
    if isinstance(subject, _Pronoun) and phrase.determiner in _OWNERS:
        # "He sees his dog": the owner is the subject.
        return _NounPhrase(phrase.noun, phrase.plural, subject.possessive, phrase.adjective)
    return phrase


def _german_verb(verb: Verb, person: int) -> str:
    ich, du, er, wir = verb.german
    return (ich, du, er, wir, er, wir)[person]


def _english_verb(verb: Verb, person: int) -> str:
    return verb.english[0] if person == 2 else verb.english[2]


def _does(person: int) -> str:
    return "does" if person == 2 else "do"


def _german_clause(subject: str, verb: str, rest: str, opening: str = "") -> str:
    """A main clause with its verb in second place: `"heute" + …` -> `"Heute kauft der Mann …"`"""
    words = (opening, verb, subject, rest) if opening else (subject, verb, rest)
    return " ".join(word for word in words if word) + "."


def _place(rng: random.Random) -> _Triple:
    """Where something happens: `("in the garden", "dans le jardin", "im Garten")`"""
    preposition = rng.choice(PREPOSITIONS)
    phrase = _noun_phrase(rng, preposition.kinds, ("the", "the", "the", "my", "this"), 0.1, 0.3)
    return _prepositional(preposition, phrase)


def _prepositional(preposition: Preposition, phrase: _NounPhrase) -> _Triple:
    german = f"{preposition.german} {phrase.german(preposition.german_case)}"
    for pair, contraction in _GERMAN_CONTRACTION.items():
        if phrase.determiner == "the":
            german = re.sub(rf"\b{pair}\b", contraction, german)
    return (
        f"{preposition.english} {phrase.english()}",
        f"{preposition.french} {phrase.french()}",
        german,
    )


def _where_or_who(rng: random.Random, share: float, verb: Verb) -> _Triple:
    """Perhaps a place or a companion, with a space before it in each language, else three empty strings."""
    draw = rng.random()
    if draw >= share:
        return "", "", ""
    if draw < 0.7 * share and verb.english[0] not in DIRECTED:
        place = _place(rng)
    else:
        companion = _noun_phrase(rng, (PERSON,), ("the", "my", "my", "a"), 0.2, 0.35)
        place = _prepositional(rng.choice(COMPANIONS), companion)
    return f" {place[0]}", f" {place[1]}", f" {place[2]}"


def _action(rng: random.Random) -> _Triple:
    """As in "Yesterday the boy saw a red fox.": an action now, in the past or in the future."""
    verb = rng.choice(VERBS)
    subject = _subject(rng, verb.subjects)
    object_ = _object(rng, verb.objects, subject)
    place = _where_or_who(rng, 0.4, verb)
    tense = rng.choice(("present", "past", "past", "future"))
    opening = rng.choice(TIMES[tense]) if rng.random() < 0.4 else ("", "", "")
    who, person = subject.english(), subject.person
    german_object = object_.german(verb.german_case) + place[2]
    if tense == "present":
        english = f"{who} {_english_verb(verb, person)}"
        french = f"{subject.french()} {verb.french[person]}"
        german = _german_clause(subject.german("nom"), _german_verb(verb, person), german_object, opening[2])
    elif tense == "past":
        english = f"{who} {verb.english[1]}"
        french = f"{subject.french()} {_FRENCH_HAVE[person]} {verb.french_participle}"
        rest = f"{german_object} {verb.german_participle}"
        german = _german_clause(subject.german("nom"), _GERMAN_HAVE[person], rest, opening[2])
    else:
        english = f"{who} {_ENGLISH_BE[person]} going to {verb.english[2]}"
        french = f"{subject.french()} {_FRENCH_GO[person]} {verb.french_infinitive}"
        rest = f"{german_object} {verb.german[3]}"
        german = _german_clause(subject.german("nom"), _GERMAN_WILL[person], rest, opening[2])
    english = f"{opening[0]} {english}".strip() + f" {object_.english()}{place[0]}."
    french = (f"{opening[1]}, " if opening[1] else "") + f"{french} {object_.french()}{place[1]}."
    return english, french, german


def _negation(rng: random.Random) -> _Triple:
    """As in "The dog does not see the cat." Indefinite objects become `pas de` and `kein`."""
    verb = rng.choice([verb for verb in VERBS if verb.german_case == "acc"])
    subject = _subject(rng, verb.subjects)
    kinds = rng.choice((("the",), ("the",), ("this",), ("no",)))
    object_ = _noun_phrase(rng, verb.objects, kinds, not_noun=getattr(subject, "noun", None))
    person = subject.person
    english = f"{subject.english()} {_does(person)} not {verb.english[2]} {_negated_english(object_)}."
    french = f"{subject.french()} ne {verb.french[person]} pas {object_.french()}."
    negated = "" if object_.determiner == "no" else " nicht"
    rest = object_.german("acc") + negated
    return english, french, _german_clause(subject.german("nom"), _german_verb(verb, person), rest)


def _negated_english(phrase: _NounPhrase) -> str:
    return f"any {phrase.english()}" if phrase.determiner == "no" and phrase.plural else phrase.english()


def _question(rng: random.Random) -> _Triple:
    """As in "Does the woman hear the bird?" """
    verb = rng.choice(VERBS)
    subject = _subject(rng, verb.subjects)
    object_ = _object(rng, verb.objects, subject)
    place = _where_or_who(rng, 0.3, verb)
    person = subject.person
    english = f"{_does(person)} {subject.english()} {verb.english[2]} {object_.english()}{place[0]}?"
    french = f"est-ce que {subject.french()} {verb.french[person]} {object_.french()}{place[1]} ?"
    german = f"{_german_verb(verb, person)} {subject.german('nom')} {object_.german(verb.german_case)}{place[2]}?"
    return english, french, german


def _who_question(rng: random.Random) -> _Triple:
    """As in "Who brings the old key?" """
    verb = rng.choice([verb for verb in VERBS if PERSON in verb.subjects])
    object_ = _noun_phrase(rng, verb.objects, ("the", "my", "this", "two"), adjective_share=0.7)
    place = _where_or_who(rng, 0.4, verb)
    return (
        f"who {verb.english[0]} {object_.english()}{place[0]}?",
        f"qui {verb.french[2]} {object_.french()}{place[1]} ?",
        f"wer {_german_verb(verb, 2)} {object_.german(verb.german_case)}{place[2]}?",
    )


def _modal(rng: random.Random) -> _Triple:
    """As in "The girl wants to buy a red hat." """
    verb = rng.choice(VERBS)
    modal = rng.choice(MODALS)
    subject = _subject(rng, verb.subjects)
    object_ = _object(rng, verb.objects, subject)
    place = _where_or_who(rng, 0.3, verb)
    person = subject.person
    rest = f"{object_.german(verb.german_case)}{place[2]} {verb.german[3]}"
    return (
        f"{subject.english()} {_english_verb(modal, person)} {verb.english[2]} {object_.english()}{place[0]}.",
        f"{subject.french()} {modal.french[person]} {verb.french_infinitive} {object_.french()}{place[1]}.",
        _german_clause(subject.german("nom"), _german_verb(modal, person), rest),
    )


def _giving(rng: random.Random) -> _Triple:
    """As in "The teacher gives the boy a book.": the receiver is a German dative, after French `à`."""
    verb = rng.choice(GIVING)
    subject = _subject(rng, verb.subjects)
    receiver = _object(rng, (PERSON,), subject)
    gift = _object(rng, verb.objects, subject)
    person = subject.person
    past = rng.random() < 0.4
    german = f"{receiver.german('dat')} {gift.german('acc')}"
    if past:
        return (
            f"{subject.english()} {verb.english[1]} {receiver.english()} {gift.english()}.",
            f"{subject.french()} {_FRENCH_HAVE[person]} {verb.french_participle} {gift.french()} "
            f"à {receiver.french()}.",
            _german_clause(subject.german("nom"), _GERMAN_HAVE[person], f"{german} {verb.german_participle}"),
        )
    return (
        f"{subject.english()} {_english_verb(verb, person)} {receiver.english()} {gift.english()}.",
        f"{subject.french()} {verb.french[person]} {gift.french()} à {receiver.french()}.",
        _german_clause(subject.german("nom"), _german_verb(verb, person), german),
    )


def _having(rng: random.Random) -> _Triple:
    """As in "My brother has a new bicycle." """
    subject = _subject(rng, HAVE.subjects)
    object_ = _noun_phrase(rng, HAVE.objects, ("a", "a", "two"), adjective_share=0.8)
    person = subject.person
    return (
        f"{subject.english()} {_english_verb(HAVE, person)} {object_.english()}.",
        f"{subject.french()} {HAVE.french[person]} {object_.french()}.",
        _german_clause(subject.german("nom"), _german_verb(HAVE, person), object_.german("acc")),
    )


def _liking(rng: random.Random) -> _Triple:
    """As in "The children like fresh apples.": all apples, with the article in French, without in German."""
    subject = _subject(rng, LIKE.subjects)
    kinds = LIKE.objects if isinstance(subject, _Pronoun) or subject.noun.kind == PERSON else (FOOD,)
    object_ = _noun_phrase(rng, kinds, ("none",), plural_share=1.0, adjective_share=0.7)
    person = subject.person
    return (
        f"{subject.english()} {_english_verb(LIKE, person)} {object_.english()}.",
        f"{subject.french()} {LIKE.french[person]} {object_.french()}.",
        _german_clause(subject.german("nom"), _german_verb(LIKE, person), object_.german("acc")),
    )


def _described(rng: random.Random) -> _Triple:
    """As in "The old house is quiet.", "My shoes are not new." """
    subject = _noun_phrase(rng, tuple(_NOUNS_OF), ("the", "my", "this"), 0.3, 0.6)
    adjective = rng.choice([adj for adj in _ADJECTIVES_OF[subject.noun] if adj is not subject.adjective])
    negated = rng.random() < 0.25
    person = subject.person
    french = adjective.french[subject.french_agreement()]
    place = _place(rng) if subject.noun.kind != PLACE and rng.random() < 0.35 else None
    english_subject, french_subject, german_subject = (
        subject.english(),
        subject.french(),
        subject.german("nom"),
    )
    if place:
        english_subject = f"{english_subject} {place[0]}"
        french_subject = f"{french_subject} {place[1]}"
        german_subject = f"{german_subject} {place[2]}"
    return (
        f"{english_subject} {_ENGLISH_BE[person]} {'not ' if negated else ''}{adjective.english}.",
        f"{french_subject} {'ne ' if negated else ''}{_FRENCH_BE[person]} {'pas ' if negated else ''}{french}.",
        f"{german_subject} {_GERMAN_BE[person]} {'nicht ' if negated else ''}{adjective.german}.",
    )


def _compared(rng: random.Random) -> _Triple:
    """As in "The horse is bigger than the dog." """
    left = _noun_phrase(rng, tuple(_NOUNS_OF), ("the", "my", "this"), 0.3, 0.35)
    right = _noun_phrase(rng, (left.noun.kind,), ("the", "my", "this"), 0.3, 0.35, not_noun=left.noun)
    choices = [
        adj
        for adj in _ADJECTIVES_OF[left.noun]
        if adj.english_comparative and adj.german_comparative and adj not in (left.adjective, right.adjective)
    ]
    adjective = rng.choice(choices)
    person = left.person
    return (
        f"{left.english()} {_ENGLISH_BE[person]} {adjective.english_comparative} than {right.english()}.",
        f"{left.french()} {_FRENCH_BE[person]} plus {adjective.french[left.french_agreement()]} que {right.french()}.",
        f"{left.german('nom')} {_GERMAN_BE[person]} {adjective.german_comparative} als {right.german('nom')}.",
    )


def _located(rng: random.Random) -> _Triple:
    """As in "The black cat is under the table." """
    kinds = tuple(kind for kind in _NOUNS_OF if kind not in (PLACE, "opening", "furniture"))
    subject = _noun_phrase(rng, kinds, ("the", "the", "my", "this"), 0.25, 0.6)
    place = _place(rng)
    person = subject.person
    return (
        f"{subject.english()} {_ENGLISH_BE[person]} {place[0]}.",
        f"{subject.french()} {_FRENCH_BE[person]} {place[1]}.",
        f"{subject.german('nom')} {_GERMAN_BE[person]} {place[2]}.",
    )


def _where_question(rng: random.Random) -> _Triple:
    """As in "Where is the old map?" """
    subject = _noun_phrase(rng, tuple(_NOUNS_OF), ("the", "the", "my"), 0.3, 0.75)
    person = subject.person
    return (
        f"where {_ENGLISH_BE[person]} {subject.english()}?",
        f"où {_FRENCH_BE[person]} {subject.french()} ?",
        f"wo {_GERMAN_BE[person]} {subject.german('nom')}?",
    )


def _there_is(rng: random.Random) -> _Triple:
    """As in "There is a bird in the garden." """
    kinds = tuple(kind for kind in _NOUNS_OF if kind not in (PLACE, "opening", "furniture"))
    thing = _noun_phrase(rng, kinds, ("a", "two"), 0.25, 0.6)
    place = _place(rng)
    person = thing.person
    return (
        f"there {_ENGLISH_BE[person]} {thing.english()} {place[0]}.",
        f"il y a {thing.french()} {place[1]}.",
        f"{place[2]} {_GERMAN_BE[person]} {thing.german('nom')}.",
    )


_WEIGHTS: dict[Callable[[random.Random], _Triple], int] = {
    _action: 32,
    _negation: 8,
    _question: 9,
    _who_question: 4,
    _modal: 9,
    _giving: 10,
    _having: 5,
    _liking: 4,
    _described: 5,
    _compared: 4,
    _located: 5,
    _where_question: 2,
    _there_is: 5,
}
_KINDS = tuple(_WEIGHTS)
_CUMULATIVE = tuple(sum(list(_WEIGHTS.values())[: index + 1]) for index in range(len(_WEIGHTS)))
