"""Checks of the lessons on models: scaling, foundation model, anatomy, one prompt's way, the original transformer."""

from __future__ import annotations

from engine.gpt import GPTConfig
from engine.language import _
from pages.guides.outcomes import safe
from pages.shared import guide
from pages.shared.guide import Outcome

GPT3, GPT3_TOKENS = 175e9, 300e9


# --- scaling -------------------------------------------------------------------------------------------------------


@safe
def bill_below(dollars: float) -> Outcome:
    """Whether GPT-3's training (175 billion parameters, 300 billion tokens) was had for less."""
    bills = guide.told("bill")
    if not bills:
        return Outcome(False, _("Open “What does it cost?” and look at a bill there."))
    last = bills[-1]
    if abs(last["parameters"] / GPT3 - 1) > 0.01 or abs(last["tokens"] / GPT3_TOKENS - 1) > 0.01:
        return Outcome(False, _("The last bill is not GPT-3's: choose GPT-3 175B and 300 billion tokens."))
    told = _("The last bill for GPT-3 is {value:,.2f} million dollars", value=last["cost"] / 1e6)
    return Outcome(
        last["cost"] < dollars,
        f"{told}."
        if last["cost"] < dollars
        else _("{told}; below {dollars:g} is wanted.", told=told, dollars=dollars / 1e6),
    )


@safe
def tokens_per_parameter(wanted: float = 20.0, within: float = 0.1) -> Outcome:
    """Whether the last bill reads about so many tokens for each parameter."""
    bills = guide.told("bill")
    if not bills:
        return Outcome(False, _("Open “What does it cost?” and look at a bill there."))
    ratio = bills[-1]["tokens"] / bills[-1]["parameters"]
    done = abs(ratio / wanted - 1) <= within
    told = _("The last bill has {ratio:.3g} tokens for each parameter", ratio=ratio)
    return Outcome(done, f"{told}." if done else _("{told}; about {wanted:g} are wanted.", told=told, wanted=wanted))


# --- foundation model ----------------------------------------------------------------------------------------------


@safe
def probe_measured(least: int = 40) -> Outcome:
    """Whether the abilities of a model were measured with at least so many items each."""
    probes = guide.told("probe")
    if not probes:
        return Outcome(False, _("Open “Untaught abilities” and wait until the model has answered."))
    best = max(probes, key=lambda each: each["n"])
    n_above = len(best["above"])
    told = _("Measured with {n} items of each ability: {n_above} of them above chance", n=best["n"], n_above=n_above)
    return Outcome(
        best["n"] >= least,
        f"{told}." if best["n"] >= least else _("{told}; {least} items are wanted.", told=told, least=least),
    )


@safe
def ability_grew() -> Outcome:
    """Whether one run was measured at two checkpoints of which the later can do more."""
    probes = guide.told("probe")
    for early in probes:
        for late in probes:
            more = len(late["above"]) > len(early["above"])
            if early["run"] == late["run"] and early["step"] < late["step"] and more:
                return Outcome(
                    True,
                    _(
                        "{n_items} abilities above chance at step {step:,}, {n_items_2} at step {step_2:,}.",
                        n_items=len(early["above"]),
                        step=early["step"],
                        n_items_2=len(late["above"]),
                        step_2=late["step"],
                    ),
                )
    if not probes:
        return Outcome(False, _("Open “Untaught abilities”, look at the last checkpoint, then at an early one."))
    return Outcome(False, _("Choose an earlier checkpoint of the same model, one that can do less."))


# --- anatomy -------------------------------------------------------------------------------------------------------


@safe
def size_near_gpt2(within: float = 0.01) -> Outcome:
    """Whether a shape with other layers or another width has as many parameters as GPT-2 small."""
    sizes = guide.told("size")
    if not sizes:
        return Outcome(False, _("Open “Size” and change a shape there."))
    small = GPTConfig.preset("gpt2")
    last = sizes[-1]
    off = last["parameters"] / small.n_parameters - 1
    told = _(
        "{n_layers} layers of width {d_model:,}: {parameters:,} parameters, {off:+.1%}",
        n_layers=last["n_layers"],
        d_model=last["d_model"],
        parameters=last["parameters"],
        off=off,
    )
    if (last["n_layers"], last["d_model"]) == (small.n_layers, small.d_model):
        return Outcome(False, _("This has GPT-2 small's own layers and width: change both, then find its size again."))
    return Outcome(
        abs(off) <= within,
        f"{told}."
        if abs(off) <= within
        else _("{told} from {n_parameters:,}.", told=told, n_parameters=small.n_parameters),
    )


@safe
def size_of_billions(least: float = 1e9) -> Outcome:
    """Whether a shape with at least so many parameters was looked at."""
    sizes = guide.told("size")
    if not sizes:
        return Outcome(False, _("Open “Size” and choose a model there."))
    largest = max(each["parameters"] for each in sizes)
    return Outcome(
        largest >= least, _("The largest shape you looked at last has {largest:,} parameters.", largest=largest)
    )


# --- one prompt, whole way -----------------------------------------------------------------------------------------


@safe
def followed_over_training() -> Outcome:
    """Whether one prompt was followed at step 0 and at a later step of the same run."""
    ways = guide.told("journey")
    start = {(each["run"], each["prompt"]) for each in ways if each["step"] == 0}
    later = [each for each in ways if each["step"] > 0 and (each["run"], each["prompt"]) in start]
    if later:
        return Outcome(True, _("You saw the same prompt at step 0 and at step {step:,}.", step=later[-1]["step"]))
    if not ways:
        return Outcome(False, _("Nothing was followed yet: choose a run and pin a prompt."))
    return Outcome(False, _("Move to step 0 of the training, then to a later step, with the same prompt."))


@safe
def followed_prompts(wanted: int = 2) -> Outcome:
    """Whether so many different prompts were followed."""
    n = len({each["prompt"] for each in guide.told("journey")})
    return Outcome(
        n >= wanted,
        _("You followed {n} different prompt lately; {wanted} are wanted.", n=n, wanted=wanted)
        if n == 1
        else _("You followed {n} different prompts lately; {wanted} are wanted.", n=n, wanted=wanted),
    )


# --- the original transformer --------------------------------------------------------------------------------------


@safe
def translation_learned() -> Outcome:
    """Whether a held-out sentence was translated wrongly at a checkpoint and rightly at a later one of that run."""
    seen = guide.told("translated")
    for early in seen:
        for late in seen:
            same = early["run"] == late["run"] and early["source"] == late["source"]
            if same and early["step"] < late["step"] and late["right"] and not early["right"]:
                return Outcome(
                    True,
                    _("Wrong at step {step:,}, right at step {step_2:,}.", step=early["step"], step_2=late["step"]),
                )
    if not seen:
        return Outcome(False, _("Open “Translate” and take a held-out sentence there."))
    return Outcome(
        False,
        _("Find a held-out sentence that is right at the last checkpoint, then move to an early one where it is not."),
    )
