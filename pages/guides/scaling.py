"""The guide of Scaling."""

from engine.language import N_
from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "law",
            N_("Read a law"),
            N_("Look at the loss of several sizes: on two logarithmic axes they lie nearly on a line."),
            part=N_("Train sizes"),
        ),
        Step(
            "predict",
            N_("Predict the largest"),
            N_("Take the largest size out of the fit and predict it from the others, with and without a floor."),
            part=N_("Train sizes"),
        ),
        Step(
            "bill",
            N_("Train GPT-3 for less than a million"),
            N_(
                "Choose GPT-3 175B with 300 billion tokens and find a device, a utilisation or a price that brings the "
                "bill below 1 million dollars."
            ),
            part=N_("What does it cost?"),
            check=lambda: model_checks.bill_below(1e6),
        ),
        Step(
            "ratio",
            N_("Give 20 tokens to each parameter"),
            N_(
                "Set model and tokens so that there are about 20 tokens for each parameter, as Hoffmann et al. (2022) "
                "found best. How far is GPT-3 from it?"
            ),
            part=N_("What does it cost?"),
            check=lambda: model_checks.tokens_per_parameter(20),
        ),
        Step(
            "memory",
            N_("Find what does not fit"),
            N_("Raise the size until training no longer fits one device: which part of the memory is the largest?"),
            part=N_("Memory"),
        ),
    ),
    questions=(
        Question(
            "rule",
            N_("About how many operations does training take for each parameter and each token?"),
            ("2", "6", "175"),
            1,
            (
                N_("That is the forward pass alone: a multiplication and an addition."),
                N_("Two forward and four backward, hence 6 · N · D."),
                N_("175 billion is the number of GPT-3's parameters."),
            ),
        ),
        Question(
            "million",
            N_("Where do the often quoted 4.6 million dollars for GPT-3 come from?"),
            (
                N_("From an estimate for rented GPUs."),
                N_("From the bill that its makers published later."),
                N_("From the salaries of its authors."),
            ),
            0,
            (
                N_("About 355 years of one V100 at 28 TFLOP/s, for 1.50 dollars an hour."),
                N_("The paper gives operations, not money."),
                N_("People, failed runs and data are not in the number at all."),
            ),
        ),
        Question(
            "power",
            N_("A power law holds: ten times the parameters take 15 % off the loss. What do a hundred times take off?"),
            ("150 %.", N_("15 %: the gain stops there."), N_("About 28 %.")),
            2,
            (
                N_("A loss cannot fall by more than all of it."),
                N_("In a power law it does not stop; a floor would make it."),
                N_("0.85 · 0.85 is 0.72: equal factors, not equal amounts."),
            ),
        ),
        Question(
            "balance",
            N_(
                "Hoffmann et al. (2022) trained a model of 70 billion parameters that beat much larger ones with the "
                "same computing as one of 280 billion. How?"
            ),
            (
                N_("It used another kind of attention, which takes fewer operations."),
                N_("It was fine-tuned for the tests."),
                N_("It read more tokens: about 20 for each parameter."),
            ),
            2,
            (
                N_("Its architecture was nearly that of the larger one."),
                N_("Both were compared as base models."),
                N_("1.4 trillion tokens instead of 300 billion. GPT-3 has fewer than 2 tokens for each parameter."),
            ),
        ),
    ),
)
