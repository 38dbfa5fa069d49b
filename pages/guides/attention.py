"""The guide of Attention."""

from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "row",
            "Read one row",
            "Choose a token and read its row: the weights of all the tokens before it add up to 1.",
            part="Maps",
        ),
        Step(
            "previous",
            "Find a head that looks back by one",
            "Choose a head whose habit is the previous token, with a score of 0.40 or more.",
            part="What is this head doing?",
            check=lambda: checks.head_with("previous token"),
        ),
        Step(
            "scaled",
            "Compute one weight",
            "Take one cell through query times key, the division by the root of the width, mask and softmax.",
            part="Step by step",
        ),
        Step(
            "mask",
            "Take the mask away",
            "See what a model learns that may look at the answer: its training loss, and what it writes.",
            part="Why causal?",
        ),
    ),
    questions=(
        Question(
            "sum",
            "What do the attention weights of one token add up to?",
            ("To 1, over the tokens it may see.", "To the number of heads.", "To anything: they are scores."),
            0,
            (
                "Softmax turns the scores into shares; masked tokens get exactly 0.",
                "Each head has shares of its own, each adding up to 1.",
                "Before softmax they are scores; after it they are shares.",
            ),
        ),
        Question(
            "order",
            "A transformer without positional encodings reads “dog bites man”. What can its attention not tell?",
            ("How many tokens there are.", "Which words occur.", "Who bites whom."),
            2,
            (
                "It sees each of them.",
                "The embeddings say that.",
                "Without positions attention sees a set of tokens. (A causal mask alone lets a model learn a little of "
                "the order, since each token sees another number of them.)",
            ),
        ),
        Question(
            "heads",
            "Why several heads in a layer?",
            (
                "Each can look for something else at the same time.",
                "They vote on the next token.",
                "To make the model larger: each head adds parameters.",
            ),
            0,
            (
                "A head has one pattern per token. Several can follow a word, a name and a bracket at once.",
                "Only the last layer's vector is turned into a prediction; heads add to that vector.",
                "At the same width the number of parameters stays the same: the heads share it out.",
            ),
        ),
    ),
)
