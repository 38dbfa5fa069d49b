"""Checks of the lessons on text and on writing: data, tokenization, windows, generation, evaluation."""

from __future__ import annotations

from pages.guides.outcomes import plain, safe
from pages.shared import guide
from pages.shared.guide import Outcome

MANY_EPOCHS = 4.0


# --- data ----------------------------------------------------------------------------------------------------------


@safe
def mix_of(wanted: dict[str, float], names: dict[str, str], within: float = 0.02) -> Outcome:
    """Whether the last mixture has these shares (0 to 1) and nothing else; `names`: corpus → what pages call it."""
    mixes = guide.told("mix")
    if not mixes:
        return Outcome(False, "Open “Mix your own” and move the weights there.")
    last = {name: row["share"] for name, row in mixes[-1].items()}
    now = ", ".join(f"{names.get(name, plain(name))} {share:.0%}" for name, share in last.items())
    done = set(last) == set(wanted) and all(abs(last[name] - share) <= within for name, share in wanted.items())
    aim = ", ".join(f"{names[name]} {share:.0%}" for name, share in wanted.items())
    return Outcome(done, f"Your mix: {now}." if done else f"Your mix is {now}; wanted is {aim} and nothing else.")


@safe
def read_too_often(epochs: float = MANY_EPOCHS) -> Outcome:
    """Whether some source of the last mixture is read more often than that."""
    mixes = guide.told("mix")
    if not mixes:
        return Outcome(False, "Open “Mix your own” and move the weights there.")
    most = max(row["epochs"] for row in mixes[-1].values())
    if most > epochs:
        return Outcome(True, f"One of your sources is read {most:.1f} times: repeated text is worth less and less.")
    return Outcome(False, f"The most often read source is read {most:.2f} times. Draw more, from fewer sources.")


# --- tokenization --------------------------------------------------------------------------------------------------


@safe
def more_tokens_than_characters() -> Outcome:
    """Whether a text was cut into more tokens than it has characters."""
    texts = guide.told("tokens")
    for each in reversed(texts):
        if each["tokens"] > each["characters"] > 0:
            return Outcome(True, f"{each['characters']:,} characters became {each['tokens']:,} tokens.")
    if not texts:
        return Outcome(False, "Open “Text to tokens” and type a text there.")
    last = texts[-1]
    return Outcome(
        False,
        f"Your text has {last['characters']:,} characters and {last['tokens']:,} tokens. Try an emoji, or letters of a "
        "script that GPT-2 hardly met, and nothing else.",
    )


@safe
def one_token_word(least: int = 10) -> Outcome:
    """Whether a word of at least so many letters was a single token."""
    texts = guide.told("tokens")
    for each in reversed(texts):
        word = each["text"].strip()
        if each["tokens"] == 1 and word.isalpha() and len(word) >= least:
            return Outcome(True, f"“{plain(word)}” has {len(word)} letters and is one token.")
    if not texts:
        return Outcome(False, "Open “Text to tokens” and type a word there.")
    return Outcome(False, f"None of your last texts is one word of {least} letters or more in one token.")


# --- windows -------------------------------------------------------------------------------------------------------


@safe
def windows_with(overlap: int) -> Outcome:
    """Whether the windows are set so that each token is a target so many times."""
    settings = guide.told("windows")
    if not settings:
        return Outcome(False, "Open “Windows” and move the sliders there.")
    context, stride = settings[-1]["context"], settings[-1]["stride"]
    times = "once" if overlap == 1 else f"{overlap} times"
    if context == overlap * stride:
        return Outcome(True, f"Context {context}, stride {stride}: each token is a target {times}.")
    if stride > context:
        return Outcome(False, f"With context {context} and stride {stride} some tokens are never a target.")
    return Outcome(
        False, f"With context {context} and stride {stride} a token is a target about {context / stride:.2g} times."
    )


# --- generation ----------------------------------------------------------------------------------------------------


@safe
def same_without_dice() -> Outcome:
    """Whether two texts of temperature 0 from one beginning, with other seeds, were the same."""
    drawn = [each for each in guide.told("drawn") if each["temperature"] == 0]
    for i, first in enumerate(drawn):
        for second in drawn[i + 1 :]:
            alike = all(first[name] == second[name] for name in ("model", "before", "text"))
            if alike and first["seed"] != second["seed"]:
                return Outcome(
                    True, f"Seeds {first['seed']} and {second['seed']} gave the same text: there are no dice at 0."
                )
    if not drawn:
        return Outcome(False, "Nothing was written at temperature 0 yet. Set it, and press **Write on**.")
    return Outcome(
        False,
        "Press **Start again**, change the seed, and write as many tokens once more at temperature 0 with the rest as "
        "it was.",
    )


@safe
def written_hot(above: float = 1.2, least: int = 20) -> Outcome:
    """Whether a text of at least so many tokens was drawn at a temperature above this."""
    drawn = guide.told("drawn")
    for each in reversed(drawn):
        if each["temperature"] > above and each["n"] >= least:
            return Outcome(True, f"{each['n']} tokens at temperature {each['temperature']:g}: see where sense is lost.")
    return Outcome(False, f"No text of {least} tokens or more was drawn above temperature {above:g} yet.")


# --- evaluation ----------------------------------------------------------------------------------------------------


@safe
def easy_text(below: float = 5.0, least: int = 10) -> Outcome:
    """Whether a text of one's own has a perplexity below this."""
    found = [each["total"] for each in guide.told("surprise") if each["own"] and each["total"].n_tokens >= least]
    if not found:
        return Outcome(False, f"Write a text of your own in “Surprise”, of at least {least} tokens, with one model.")
    best = min(each.perplexity for each in found)
    told = f"The most expected of your last texts has a perplexity of {best:,.2f}."
    return Outcome(best < below, told if best < below else f"{told} Below {below:g} is wanted: write what it expects.")


@safe
def surprising_token(bits: float = 15.0) -> Outcome:
    """Whether a text of one's own holds a token that surprised by so many bits."""
    found = [each["most"] for each in guide.told("surprise") if each["own"]]
    if not found:
        return Outcome(False, "Write a text of your own in “Surprise”, with one model.")
    told = f"The dearest token of your last texts cost {max(found):.1f} bits"
    done = max(found) >= bits
    return Outcome(done, f"{told}: a chance of one in {2 ** max(found):,.0f}." if done else f"{told}; {bits:g} wanted.")
