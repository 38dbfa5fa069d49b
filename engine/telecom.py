"""An invented telephone company: the support desk that the lectures' example is about, with facts of its own.

Prices, volumes, short codes and waiting times are drawn by a seed. Some ways of asking are held out, and some plans
that are never told of.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

from engine.checks import require_whole
from engine.instructions import Example, Question

COMPANY = "Lighthouse Mobile"
PLANS = (
    *("Breeze", "Harbour", "Lagoon", "Meadow", "Orchard", "Pebble", "Ridge", "Summit", "Thunder", "Valley", "Willow"),
    *("Aurora", "Canyon", "Delta", "Ember"),
)
N_KNOWN = 11

# {0} is the plan. The last ones of each topic are held out.
_ABOUT_PLANS: dict[str, tuple[str, ...]] = {
    "price": (
        "What does the {0} plan cost a month?",
        "How much is {0}?",
        "Tell me the price of the {0} plan.",
        "I have {0}. What do I pay each month?",
        "What is the monthly price of {0}?",
        "How many euros is the {0} plan?",
        "Price of {0}, please.",
        "I would like {0}. How much must I pay for it?",
        "Could you say how much the {0} plan costs?",
        "Is the {0} plan expensive? What does it cost?",
        "Could you tell me what I pay for {0}?",
        "Please give me the price of {0}.",
        "{0}: what does it cost a month?",
        "How much do I pay each month for the {0} plan?",
    ),
    "data": (
        "How much data has the {0} plan?",
        "How many gigabytes are in {0}?",
        "Tell me the data volume of {0}.",
        "I have {0}. How much data can I use?",
        "What is the data limit of the {0} plan?",
        "Data volume of {0}, please.",
        "I would like {0}. How many gigabytes do I get?",
        "Could you say how much data {0} has?",
        "How much data do I get with {0}?",
        "{0}: how many gigabytes are there?",
        "Please tell me how many gigabytes the {0} plan has.",
        "What data volume do I get with the {0} plan?",
    ),
}
_N_HELD_OUT = {"price": 3, "data": 3}
_PLAN_ANSWERS = {
    "price": "The {0} plan costs {1} euros a month.",
    "data": "The {0} plan has {1} gigabytes of data.",
}

# What to do, as the first form, then the ways of asking; the last one is held out.
_CODES: dict[str, tuple[str, ...]] = {
    "switch on roaming": (
        "How do I switch on roaming?",
        "I am abroad and have no network. How can I switch on roaming?",
        "Tell me how roaming is switched on.",
        "What must I dial for roaming?",
        "I travel tomorrow. How do I get roaming?",
    ),
    "block a lost SIM card": (
        "I lost my SIM card. What now?",
        "How do I block a lost SIM card?",
        "My phone was stolen. How can I block the SIM card?",
        "Tell me how a SIM card is blocked.",
        "My SIM card is lost. How do I block it?",
    ),
    "hear the voicemail": (
        "How do I hear my voicemail?",
        "Somebody left a message. How can I hear it?",
        "Tell me how I get to my voicemail.",
        "What is the number of the voicemail?",
        "How can I get my voicemail?",
    ),
    "see the bill": (
        "Where is my bill?",
        "How do I see my bill?",
        "I want to know what my bill says.",
        "Tell me how I can see the bill of this month.",
        "How can I see the bill?",
    ),
    "change the plan": (
        "How do I change my plan?",
        "I want another plan. What must I do?",
        "Tell me how a plan is changed.",
        "My plan is too small. How can I change it?",
        "I want to change my plan. How?",
    ),
    "top up credit": (
        "How do I top up my credit?",
        "I have no credit. What now?",
        "Tell me how credit is topped up.",
        "My credit is used up. How can I top it up?",
        "How can I top up credit?",
    ),
    "speak to a person": (
        "I want to speak to a person.",
        "How do I reach somebody who can help me?",
        "Tell me how I can speak to somebody.",
        "Is there a number where a person answers?",
        "How can I speak to a person?",
    ),
    "unlock the PIN": (
        "I typed a wrong PIN three times.",
        "How do I unlock my PIN?",
        "My PIN is blocked. What now?",
        "Tell me how a PIN is unlocked.",
        "My PIN is blocked. How can I unlock it?",
    ),
}
_CODE_ANSWER = "To {0}, dial {1}."


@dataclass(frozen=True)
class TelecomData:
    """Questions to train on, and two kinds held out: known facts in new words, and plans that were never told of."""

    train: tuple[Question, ...]
    new_phrasings: tuple[Question, ...]
    about_new_plans: tuple[Question, ...]


@lru_cache(maxsize=8)
def telecom(seed: int = 0) -> TelecomData:
    """The company of a seed: the same plans, codes and questions every time."""
    require_whole("seed", seed, 0)
    rng = random.Random(f"{COMPANY} {seed}")
    plans = rng.sample(PLANS, len(PLANS))
    prices = rng.sample(range(5, 80), len(plans))
    volumes = rng.sample(range(2, 120), len(plans))
    codes = rng.sample(range(100, 1000), len(_CODES))
    facts = {plan: {"price": str(p), "data": str(v)} for plan, p, v in zip(plans, prices, volumes, strict=True)}
    known, new = plans[:N_KNOWN], plans[N_KNOWN:]
    train = [each for plan in known for each in _about_plan(plan, facts[plan], held_out=False)]
    asked_anew = [each for plan in known for each in _about_plan(plan, facts[plan], held_out=True)]
    about_new = [each for plan in new for each in _about_plan(plan, facts[plan], held_out=True)]
    for code, (deed, phrasings) in zip(codes, _CODES.items(), strict=True):
        asked = [Question(Example(each, _CODE_ANSWER.format(deed, code)), "code", str(code)) for each in phrasings]
        train += asked[:-1]
        asked_anew += asked[-1:]
    rng.shuffle(train)
    return TelecomData(tuple(train), tuple(asked_anew), tuple(about_new))


def _about_plan(plan: str, facts: dict[str, str], *, held_out: bool) -> list[Question]:
    found = []
    for topic, phrasings in _ABOUT_PLANS.items():
        n = _N_HELD_OUT[topic]
        for phrasing in phrasings[-n:] if held_out else phrasings[:-n]:
            answer = _PLAN_ANSWERS[topic].format(plan, facts[topic])
            found.append(Question(Example(phrasing.format(plan), answer), topic, facts[topic]))
    return found
