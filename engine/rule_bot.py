"""A bot of rules, after the idea of ELIZA (Weizenbaum 1966): it has learned nothing and knows nothing, and answers.

Every rule tries to take the sentence apart ("* I am *"). Of those that can the strongest answers: the parts are turned
round ("my" becomes "your") and put into one of its answers ("Since when have you been {3}?"). A rule that fires again
gives its next answer. Where no rule fits, something said earlier is taken up again, or a phrase that fits anything is
used. The idea is Weizenbaum's; the rules are this course's own.

>>> RuleBot().answer("I am afraid of my exam").text
'Since when have you been afraid of your exam?'
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

MAX_CHARS = 1_000
"""More of a message is not read."""

_FIRST_TO_SECOND = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "i'm": "you are",
    "i've": "you have",
    "i'd": "you would",
    "i'll": "you will",
    "you": "I",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "you're": "I am",
    "you've": "I have",
    "you'd": "I would",
    "you'll": "I will",
}
_AFTER_I = {"are": "am", "were": "was"}
_AFTER_YOU = {"was": "were"}
_OBJECT_BEFORE = frozenset(
    "to with for from of about at by than like love hate help tell told ask asked see saw hear heard know understand "
    "give gave make made let leave left trust need want miss".split()
)
_WORD = re.compile(r"[\w'-]+")
_SENTENCES = re.compile(r"[.!?;,\n]+|\bbut\b")
_PLACE = re.compile(r"\{(\d)\}")
_REMEMBERED = 5


@dataclass(frozen=True)
class Rule:
    """`pattern` takes a sentence apart into numbered parts; * is any words or none, / parts alternatives, _ is a space.

    {4} in an answer is what part 4 stood for, turned round. Of the rules that fit, the one of the greatest `strength`
    answers. `remember` is kept for later, when nothing fits.
    """

    name: str
    strength: int
    pattern: str
    answers: tuple[str, ...]
    remember: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The pattern's parts as they are read: "* I want / need *" has four."""
        return tuple(part.replace("_", " ").replace("/", " / ") for part in self.pattern.split())

    def take_apart(self, words: list[str]) -> tuple[str, ...] | None:
        """What each part stood for in a sentence of lower-case words; None where the rule does not fit."""
        found = _regex(self.pattern).fullmatch("".join(f" {word}" for word in words))
        return None if found is None else tuple((group or "").strip() for group in found.groups())


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    """Every word has its space before it, so that no part can begin inside a word."""
    parts = []
    for part in pattern.split():
        choices = "|".join(re.escape(choice.replace("_", " ")) for choice in part.split("/"))
        parts.append("((?: [^ ]+)*?)" if part == "*" else f"( (?:{choices}))(?= |$)")
    return re.compile("".join(parts))


_FAMILY = "mother/father/sister/brother/parents/family/wife/husband/son/daughter/friend/friends/teacher/dog/cat"

RULES: tuple[Rule, ...] = (
    Rule(
        "machines",
        9,
        "* computer/computers/machine/machines/robot/robots/chatbot/chatbots/bot *",
        (
            "Do machines worry you?",
            "What do you think a machine can understand?",
            "Are you asking whether I am one?",
        ),
    ),
    Rule(
        "I remember",
        6,
        "* i remember *",
        ("Do you often think of {4}?", "Why do you remember {4} now?", "What else comes to mind with {4}?"),
    ),
    Rule(
        "dreams",
        6,
        "* dream/dreams/dreamed/dreamt *",
        ("What do you make of that dream?", "Who else was in it?", "Do you dream often?"),
    ),
    Rule(
        "family and friends",
        5,
        f"* my {_FAMILY} *",
        ("Tell me more about your {3}.", "What is your {3} like?", "Who else, besides your {3}?"),
        "Earlier you mentioned your {3}. Does this have to do with it?",
    ),
    Rule(
        "I feel",
        5,
        "* i feel/felt *",
        ("How often do you feel {4}?", "When did you first feel {4}?", "What else do you feel besides {4}?"),
        "Do you still feel {4}?",
    ),
    Rule(
        "I want",
        5,
        "* i want/need/wish_for/would_like *",
        ("What would change if you had your wish: {4}?", "Why {4}, of all things?", "Suppose it never comes to that."),
    ),
    Rule(
        "I cannot",
        5,
        "* i can't/cannot/can_not *",
        ("What have you tried so far to {4}?", "What keeps you from it?", "Perhaps one day you will {4}."),
    ),
    Rule(
        "I do not",
        4,
        "* i don't/do_not *",
        ("Why don't you {4}?", "Would you like to {4}?", "Does it trouble you that you don't {4}?"),
    ),
    Rule(
        "because",
        4,
        "* because *",
        ("Is that the only reason?", "Could there be another reason than that {3}?", "Who told you that {3}?"),
    ),
    Rule(
        "I am",
        4,
        "* i_am/i'm *",
        ("Since when have you been {3}?", "Do others know that you are {3}?", "What is it like to be {3}?"),
    ),
    Rule(
        "are you",
        4,
        "* are you *",
        ("Would it matter to you whether I am {4}?", "Perhaps I am {4} in your eyes.", "Why do you ask if I am {4}?"),
    ),
    Rule(
        "you are",
        4,
        "* you_are/you're *",
        ("What makes you think I am {3}?", "Would you like me to be {3}?", "Maybe you are {3} yourself."),
    ),
    Rule(
        "you … me",
        3,
        "* you * me *",
        ("What makes you think I {3} you?", "Would you like it if I {3} you?", "Does anybody else {3} you?"),
    ),
    Rule("if", 3, "* if *", ("How likely is it that {3}?", "And what if not?", "What would you do if {3}?")),
    Rule(
        "always, everybody",
        3,
        "* everybody/everyone/nobody/always/never *",
        ("Can you think of one exception?", "Really in every case?", "What do you have in mind?"),
    ),
    Rule("sorry", 2, "* sorry *", ("There is nothing to be sorry about.", "What if you were not sorry?")),
    Rule(
        "my",
        2,
        "* my *",
        ("Your {3}?", "Why do you speak of your {3}?", "What else about your {3}?"),
        "Let us go back: you spoke of your {3}.",
    ),
    Rule("yes", 1, "yes *", ("You sound quite sure.", "I see. Go on.")),
    Rule("no", 1, "no *", ("Why not?", "Are you saying no to be careful?")),
    Rule("greeting", 1, "* hello/hi/hey/good_morning *", ("Hello. What is on your mind?", "Hello again.")),
    Rule(
        "question",
        1,
        "* what/why/how/when/where/who *",
        ("Why do you ask?", "What would you like the answer to be?", "Have you asked anybody else?"),
    ),
)
ANYTHING = Rule("anything", 0, "*", ("I see. Please go on.", "Tell me more about that.", "How does that strike you?"))
"""What is said when no rule fits and nothing is remembered."""


@dataclass(frozen=True)
class Answer:
    """What the bot says and how it came about.

    `rule` fired on `read`, the sentence it looked at; `captured` is what each of its parts stood for and `turned` the
    same turned round. `remembered`: it took up something said earlier. `others`: weaker rules that fitted as well.
    """

    text: str
    rule: Rule
    read: str
    captured: tuple[str, ...] = ()
    turned: tuple[str, ...] = ()
    remembered: bool = False
    others: tuple[Rule, ...] = ()


@dataclass
class RuleBot:
    """A conversation: which answers were given, and what may be taken up again. The same words, the same bot."""

    rules: tuple[Rule, ...] = RULES
    used: Counter[str] = field(default_factory=Counter)
    memory: list[str] = field(default_factory=list)

    def answer(self, message: str) -> Answer:
        """The bot's answer to a message; an empty one gets a phrase that fits anything."""
        sentences = [words for part in _SENTENCES.split(_plain(message)) if (words := _WORD.findall(part))]
        fits = [
            (rule, words, captured)
            for words in sentences
            for rule in self.rules
            if (captured := rule.take_apart(words)) is not None
        ]
        if not fits:
            return self._when_nothing_fits(" ".join(sentences[0]) if sentences else "")
        rule, words, captured = max(fits, key=lambda each: each[0].strength)
        turned = tuple(reflect(group) for group in captured)
        others = tuple(dict.fromkeys(each[0] for each in fits if each[0] is not rule))
        text = self._next(rule, turned)
        if rule.remember and (later := _filled(rule.remember, turned)) is not None:
            self.memory = [*self.memory, later][-_REMEMBERED:]
        return Answer(text, rule, " ".join(words), captured, turned, False, others)

    def _when_nothing_fits(self, read: str) -> Answer:
        if self.memory:
            return Answer(self.memory.pop(0), ANYTHING, read, (read,), (reflect(read),), True)
        return Answer(self._next(ANYTHING, ()), ANYTHING, read, (read,), (reflect(read),))

    def _next(self, rule: Rule, turned: tuple[str, ...]) -> str:
        """The rule's next answer in turn, of those whose parts are not empty."""
        filled = [text for each in rule.answers if (text := _filled(each, turned)) is not None] or ANYTHING.answers
        n = self.used[rule.name]
        self.used[rule.name] += 1
        return filled[n % len(filled)]


def _filled(answer: str, turned: tuple[str, ...]) -> str | None:
    """An answer with its parts put in; None where one of them is empty.

    >>> _filled("Why {2}?", ("", "so late"))
    'Why so late?'
    """
    wanted = [int(number) - 1 for number in _PLACE.findall(answer)]
    if any(number >= len(turned) or not turned[number] for number in wanted):
        return None
    return _PLACE.sub(lambda found: turned[int(found[1]) - 1], answer)


def reflect(text: str) -> str:
    """Turn words round: who spoke becomes who is spoken to.

    >>> reflect("you help me with my work")
    'I help you with your work'
    """
    words = _WORD.findall(text.lower())
    turned: list[str] = []
    for n, word in enumerate(words):
        before = turned[-1] if turned else ""
        source = words[n - 1] if n else ""
        if word == "you" and (source in _OBJECT_BEFORE or (n and n == len(words) - 1)):
            turned.append("me")  # as an object, and at the end of a sentence, "you" is "me"
        elif word in _AFTER_I and before == "I":
            turned.append(_AFTER_I[word])
        elif word in _AFTER_YOU and before == "you":
            turned.append(_AFTER_YOU[word])
        else:
            turned.append(_FIRST_TO_SECOND.get(word, word))
    return " ".join(turned)


def _plain(message: str) -> str:
    """Lower case, straight apostrophes, at most MAX_CHARS, nothing that no keyboard types."""
    text = message[:MAX_CHARS].lower().replace("’", "'")
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)
