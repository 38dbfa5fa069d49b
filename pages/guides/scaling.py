"""The guide of Scaling."""

from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "law",
            "Read a law",
            "Look at the loss of several sizes: on two logarithmic axes they lie nearly on a line.",
            part="Train sizes",
        ),
        Step(
            "predict",
            "Predict the largest",
            "Take the largest size out of the fit and predict it from the others, with and without a floor.",
            part="Train sizes",
        ),
        Step(
            "bill",
            "Train GPT-3 for less than a million",
            "Choose GPT-3 175B with 300 billion tokens and find a device, a utilisation or a price that brings the "
            "bill below 1 million dollars.",
            part="What does it cost?",
            check=lambda: model_checks.bill_below(1e6),
        ),
        Step(
            "ratio",
            "Give 20 tokens to each parameter",
            "Set model and tokens so that there are about 20 tokens for each parameter, as Hoffmann et al. (2022) "
            "found best. How far is GPT-3 from it?",
            part="What does it cost?",
            check=lambda: model_checks.tokens_per_parameter(20),
        ),
        Step(
            "memory",
            "Find what does not fit",
            "Raise the size until training no longer fits one device: which part of the memory is the largest?",
            part="Memory",
        ),
    ),
    questions=(
        Question(
            "rule",
            "About how many operations does training take for each parameter and each token?",
            ("2", "6", "175"),
            1,
            (
                "That is the forward pass alone: a multiplication and an addition.",
                "Two forward and four backward, hence 6 · N · D.",
                "175 billion is the number of GPT-3's parameters.",
            ),
        ),
        Question(
            "million",
            "Where do the often quoted 4.6 million dollars for GPT-3 come from?",
            (
                "From an estimate for rented GPUs.",
                "From the bill that its makers published later.",
                "From the salaries of its authors.",
            ),
            0,
            (
                "About 355 years of one V100 at 28 TFLOP/s, for 1.50 dollars an hour.",
                "The paper gives operations, not money.",
                "People, failed runs and data are not in the number at all.",
            ),
        ),
        Question(
            "power",
            "A power law holds: ten times the parameters take 15 % off the loss. What do a hundred times take off?",
            ("150 %.", "15 %: the gain stops there.", "About 28 %."),
            2,
            (
                "A loss cannot fall by more than all of it.",
                "In a power law it does not stop; a floor would make it.",
                "0.85 · 0.85 is 0.72: equal factors, not equal amounts.",
            ),
        ),
        Question(
            "balance",
            "Hoffmann et al. (2022) trained a model of 70 billion parameters that beat much larger ones with the same "
            "computing as one of 280 billion. How?",
            (
                "It used another kind of attention, which takes fewer operations.",
                "It was fine-tuned for the tests.",
                "It read more tokens: about 20 for each parameter.",
            ),
            2,
            (
                "Its architecture was nearly that of the larger one.",
                "Both were compared as base models.",
                "1.4 trillion tokens instead of 300 billion. GPT-3 has fewer than 2 tokens for each parameter.",
            ),
        ),
    ),
)
