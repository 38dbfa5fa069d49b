"""The guide of Windows and embeddings."""

from engine.language import N_
from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "end",
            N_("Lay windows end to end"),
            N_(
                "Set context length and stride so that no token is a target twice and none is left out. Compare the "
                "rows of inputs and targets: the targets are the inputs, moved by one."
            ),
            part=N_("Windows"),
            check=lambda: text_checks.windows_with(1),
        ),
        Step(
            "overlap",
            N_("Show each token four times"),
            N_("Change the stride so that each token is a target exactly four times, but for the ends of the text."),
            part=N_("Windows"),
            check=lambda: text_checks.windows_with(4),
        ),
        Step(
            "row",
            N_("Look a token up"),
            N_("Type two words and find their rows in the table. What does the one-hot vector do?"),
            part="Look-up",
        ),
        Step(
            "place",
            N_("Add the place"),
            N_("Compare the three kinds of positional encoding: which are added to the vector, which one turns it?"),
            part=N_("Positions"),
        ),
        Step(
            "near",
            N_("Visit the neighbours"),
            N_("Choose a token, read its nearest neighbours, then move to step 0. When did they come together?"),
            part=N_("Embedding space"),
        ),
    ),
    questions=(
        Question(
            "target",
            N_("The input window is “The lion is in”. What is the target of its last token?"),
            (
                N_("All the tokens of the next sentence."),
                N_("“The”, the first word."),
                N_("The token after it in the text."),
            ),
            2,
            (
                N_("Each place has one token as its target."),
                N_("It stands before, and is no target of this window at all."),
                N_("The row of targets is the same stretch of text, one token later."),
            ),
        ),
        Question(
            "count",
            N_("How many predictions does one window of 8 tokens train at once?"),
            (N_("One, for its last token."), N_("Eight."), N_("64, one for each pair.")),
            1,
            (
                N_("The causal mask lets every place predict without seeing its answer, not only the last."),
                N_("Each place predicts its next token from itself and all before it: contexts of 1 to 8 tokens."),
                N_("Pairs occur in attention; predictions are one for each place."),
            ),
        ),
        Question(
            "vectors",
            N_("Why are ids of tokens not fed to the network as numbers?"),
            (
                N_("An id is only a name; a vector can say what the token is like."),
                N_("The ids are too large: sums of them would no longer fit the numbers of a computer."),
                N_("Ids are secret."),
            ),
            0,
            (
                N_(
                    "Token 500 is not five times token 100. The numbers of the vectors are learned, so that tokens "
                    "used alike can come to lie near each other."
                ),
                N_("50,000 is no large number for a computer."),
                N_("The vocabulary is a public list."),
            ),
        ),
        Question(
            "positions",
            N_("What do positional encodings add that token embeddings do not hold?"),
            (
                N_("How frequent the token is."),
                N_("Where the token stands in the window."),
                N_("Which of the languages the token comes from."),
            ),
            1,
            (
                N_("Frequency is learned by the output, with or without positions."),
                N_("The same token has the same row everywhere; the place makes the difference."),
                N_("The token's own row can learn that."),
            ),
        ),
    ),
)
