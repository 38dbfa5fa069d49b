"""The guide of Attention."""

from engine.language import N_, _
from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "row",
            N_("Read one row"),
            N_("Choose a token and read its row: the weights of all the tokens before it add up to 1."),
            part=N_("Maps"),
        ),
        Step(
            "previous",
            N_("Find a head that looks back by one"),
            N_("Choose a head whose habit is the previous token, with a score of 0.40 or more."),
            part=N_("What is this head doing?"),
            check=lambda: checks.head_with(_("previous token")),
        ),
        Step(
            "scaled",
            N_("Compute one weight"),
            N_("Take one cell through query times key, the division by the root of the width, mask and softmax."),
            part=N_("Step by step"),
        ),
        Step(
            "mask",
            N_("Take the mask away"),
            N_("See what a model learns that may look at the answer: its training loss, and what it writes."),
            part=N_("Why causal?"),
        ),
    ),
    questions=(
        Question(
            "sum",
            N_("What do the attention weights of one token add up to?"),
            (
                N_("To 1, over the tokens it may see."),
                N_("To the number of heads."),
                N_("To anything: they are scores."),
            ),
            0,
            (
                N_("Softmax turns the scores into shares; masked tokens get exactly 0."),
                N_("Each head has shares of its own, each adding up to 1."),
                N_("Before softmax they are scores; after it they are shares."),
            ),
        ),
        Question(
            "order",
            N_("A transformer without positional encodings reads “dog bites man”. What can its attention not tell?"),
            (N_("How many tokens there are."), N_("Which words occur."), N_("Who bites whom.")),
            2,
            (
                N_("It sees each of them."),
                N_("The embeddings say that."),
                N_(
                    "Without positions attention sees a set of tokens. (A causal mask alone lets a model learn a "
                    "little of the order, since each token sees another number of them.)"
                ),
            ),
        ),
        Question(
            "heads",
            N_("Why several heads in a layer?"),
            (
                N_("Each can look for something else at the same time."),
                N_("They vote on the next token."),
                N_("To make the model larger: each head adds parameters."),
            ),
            0,
            (
                N_("A head has one pattern per token. Several can follow a word, a name and a bracket at once."),
                N_("Only the last layer's vector is turned into a prediction; heads add to that vector."),
                N_("At the same width the number of parameters stays the same: the heads share it out."),
            ),
        ),
    ),
)
