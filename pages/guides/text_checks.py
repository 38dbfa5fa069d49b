"""Checks of the lessons on text and on writing: data, tokenization, windows, generation, evaluation."""

from __future__ import annotations

from engine.language import _, number
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
        return Outcome(False, _("Open “Mix your own” and move the weights there."))
    last = {name: row["share"] for name, row in mixes[-1].items()}
    now = ", ".join(f"{names.get(name, plain(name))} {number(share, '.0%')}" for name, share in last.items())
    done = set(last) == set(wanted) and all(abs(last[name] - share) <= within for name, share in wanted.items())
    aim = ", ".join(f"{names[name]} {number(share, '.0%')}" for name, share in wanted.items())
    return Outcome(
        done,
        _("Your mix: {now}.", now=now)
        if done
        else _("Your mix is {now}; wanted is {aim} and nothing else.", now=now, aim=aim),
    )


@safe
def read_too_often(epochs: float = MANY_EPOCHS) -> Outcome:
    """Whether some source of the last mixture is read more often than that."""
    mixes = guide.told("mix")
    if not mixes:
        return Outcome(False, _("Open “Mix your own” and move the weights there."))
    most = max(row["epochs"] for row in mixes[-1].values())
    if most > epochs:
        return Outcome(
            True, _("One of your sources is read {most:.1f} times: repeated text is worth less and less.", most=most)
        )
    return Outcome(
        False, _("The most often read source is read {most:.2f} times. Draw more, from fewer sources.", most=most)
    )


# --- tokenization --------------------------------------------------------------------------------------------------


@safe
def more_tokens_than_characters() -> Outcome:
    """Whether a text was cut into more tokens than it has characters."""
    texts = guide.told("tokens")
    for each in reversed(texts):
        if each["tokens"] > each["characters"] > 0:
            return Outcome(
                True,
                _(
                    "{characters:,} characters became {tokens:,} tokens.",
                    characters=each["characters"],
                    tokens=each["tokens"],
                ),
            )
    if not texts:
        return Outcome(False, _("Open “Text to tokens” and type a text there."))
    last = texts[-1]
    return Outcome(
        False,
        _(
            "Your text has {characters:,} characters and {tokens:,} tokens. Try an emoji, or letters of a "
            "script that GPT-2 hardly met, and nothing else.",
            characters=last["characters"],
            tokens=last["tokens"],
        ),
    )


@safe
def one_token_word(least: int = 10) -> Outcome:
    """Whether a word of at least so many letters was a single token."""
    texts = guide.told("tokens")
    for each in reversed(texts):
        word = each["text"].strip()
        if each["tokens"] == 1 and word.isalpha() and len(word) >= least:
            return Outcome(
                True, _("“{word}” has {n_word} letters and is one token.", word=plain(word), n_word=len(word))
            )
    if not texts:
        return Outcome(False, _("Open “Text to tokens” and type a word there."))
    return Outcome(
        False, _("None of your last texts is one word of {least} letters or more in one token.", least=least)
    )


# --- windows -------------------------------------------------------------------------------------------------------


@safe
def windows_with(overlap: int) -> Outcome:
    """Whether the windows are set so that each token is a target so many times."""
    settings = guide.told("windows")
    if not settings:
        return Outcome(False, _("Open “Windows” and move the sliders there."))
    context, stride = settings[-1]["context"], settings[-1]["stride"]
    times = _("once") if overlap == 1 else _("{overlap} times", overlap=overlap)
    if context == overlap * stride:
        return Outcome(
            True,
            _(
                "Context {context}, stride {stride}: each token is a target {times}.",
                context=context,
                stride=stride,
                times=times,
            ),
        )
    if stride > context:
        return Outcome(
            False,
            _(
                "With context {context} and stride {stride} some tokens are never a target.",
                context=context,
                stride=stride,
            ),
        )
    return Outcome(
        False,
        _(
            "With context {context} and stride {stride} a token is a target about {context_2:.2g} times.",
            context=context,
            stride=stride,
            context_2=context / stride,
        ),
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
                    True,
                    _(
                        "Seeds {seed} and {seed_2} gave the same text: there are no dice at 0.",
                        seed=first["seed"],
                        seed_2=second["seed"],
                    ),
                )
    if not drawn:
        return Outcome(False, _("Nothing was written at temperature 0 yet. Set it, and press **Write on**."))
    return Outcome(
        False,
        _(
            "Press **Start again**, change the seed, and write as many tokens once more at temperature 0 with the rest "
            "as it was."
        ),
    )


@safe
def written_hot(above: float = 1.2, least: int = 20) -> Outcome:
    """Whether a text of at least so many tokens was drawn at a temperature above this."""
    drawn = guide.told("drawn")
    for each in reversed(drawn):
        if each["temperature"] > above and each["n"] >= least:
            return Outcome(
                True,
                _(
                    "{n} tokens at temperature {temperature:g}: see where sense is lost.",
                    n=each["n"],
                    temperature=each["temperature"],
                ),
            )
    return Outcome(
        False,
        _("No text of {least} tokens or more was drawn above temperature {above:g} yet.", least=least, above=above),
    )


# --- evaluation ----------------------------------------------------------------------------------------------------


@safe
def easy_text(below: float = 5.0, least: int = 10) -> Outcome:
    """Whether a text of one's own has a perplexity below this."""
    found = [each["total"] for each in guide.told("surprise") if each["own"] and each["total"].n_tokens >= least]
    if not found:
        return Outcome(
            False, _("Write a text of your own in “Surprise”, of at least {least} tokens, with one model.", least=least)
        )
    best = min(each.perplexity for each in found)
    told = _("The most expected of your last texts has a perplexity of {best:,.2f}.", best=best)
    return Outcome(
        best < below,
        told if best < below else _("{told} Below {below:g} is wanted: write what it expects.", told=told, below=below),
    )


@safe
def surprising_token(bits: float = 15.0) -> Outcome:
    """Whether a text of one's own holds a token that surprised by so many bits."""
    found = [each["most"] for each in guide.told("surprise") if each["own"]]
    if not found:
        return Outcome(False, _("Write a text of your own in “Surprise”, with one model."))
    told = _("The dearest token of your last texts cost {found:.1f} bits", found=max(found))
    done = max(found) >= bits
    return Outcome(
        done,
        _("{told}: a chance of one in {value:,.0f}.", told=told, value=2 ** max(found))
        if done
        else _("{told}; {bits:g} wanted.", told=told, bits=bits),
    )
