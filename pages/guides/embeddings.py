"""The guide of Windows and embeddings."""

from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "end",
            "Lay windows end to end",
            "Set context length and stride so that no token is a target twice and none is left out. Compare the rows "
            "of inputs and targets: the targets are the inputs, moved by one.",
            part="Windows",
            check=lambda: text_checks.windows_with(1),
        ),
        Step(
            "overlap",
            "Show each token four times",
            "Change the stride so that each token is a target exactly four times, but for the ends of the text.",
            part="Windows",
            check=lambda: text_checks.windows_with(4),
        ),
        Step(
            "row",
            "Look a token up",
            "Type two words and find their rows in the table. What does the one-hot vector do?",
            part="Look-up",
        ),
        Step(
            "place",
            "Add the place",
            "Compare the three kinds of positional encoding: which are added to the vector, which one turns it?",
            part="Positions",
        ),
        Step(
            "near",
            "Visit the neighbours",
            "Choose a token, read its nearest neighbours, then move to step 0. When did they come together?",
            part="Embedding space",
        ),
    ),
    questions=(
        Question(
            "target",
            "The input window is “The lion is in”. What is the target of its last token?",
            ("All the tokens of the next sentence.", "“The”, the first word.", "The token after it in the text."),
            2,
            (
                "Each place has one token as its target.",
                "It stands before, and is no target of this window at all.",
                "The row of targets is the same stretch of text, one token later.",
            ),
        ),
        Question(
            "count",
            "How many predictions does one window of 8 tokens train at once?",
            ("One, for its last token.", "Eight.", "64, one for each pair."),
            1,
            (
                "The causal mask lets every place predict without seeing its answer, not only the last.",
                "Each place predicts its next token from itself and all before it: contexts of 1 to 8 tokens.",
                "Pairs occur in attention; predictions are one for each place.",
            ),
        ),
        Question(
            "vectors",
            "Why are ids of tokens not fed to the network as numbers?",
            (
                "An id is only a name; a vector can say what the token is like.",
                "The ids are too large: sums of them would no longer fit the numbers of a computer.",
                "Ids are secret.",
            ),
            0,
            (
                "Token 500 is not five times token 100. The numbers of the vectors are learned, so that tokens used "
                "alike can come to lie near each other.",
                "50,000 is no large number for a computer.",
                "The vocabulary is a public list.",
            ),
        ),
        Question(
            "positions",
            "What do positional encodings add that token embeddings do not hold?",
            (
                "How frequent the token is.",
                "Where the token stands in the window.",
                "Which of the languages the token comes from.",
            ),
            1,
            (
                "Frequency is learned by the output, with or without positions.",
                "The same token has the same row everywhere; the place makes the difference.",
                "The token's own row can learn that.",
            ),
        ),
    ),
)
