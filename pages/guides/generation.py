"""The guide of Generation."""

from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "greedy",
            "Write without dice",
            "At temperature 0 write a text, press **Start again**, change the seed and write as much once more. Do the "
            "two differ?",
            check=lambda: text_checks.same_without_dice(),
        ),
        Step(
            "hot",
            "Turn the heat up",
            "Write 20 tokens or more at a temperature above 1.2. Where does the text lose its sense?",
            check=lambda: text_checks.written_hot(),
        ),
        Step(
            "filters",
            "Cut the tail",
            "Keep the high temperature and add top-k or top-p. Open **Filter by filter** to see what is cut.",
        ),
        Step(
            "force",
            "Force one token",
            "Go back to a token of the text, choose another candidate there, and write on: the story takes another "
            "way.",
        ),
        Step(
            "count",
            "Compare with counting",
            "Let an n-gram continue the same prompt. After how many words do you notice that it only counts?",
        ),
    ),
    questions=(
        Question(
            "temperature",
            "What does a temperature of 2 do?",
            (
                "It halves the logits.",
                "It doubles the probabilities of all tokens.",
                "It makes the model compute twice.",
            ),
            0,
            (
                "Smaller differences between them make a flatter distribution after softmax: unlikely tokens gain.",
                "Probabilities add up to 1 at any temperature.",
                "The model computes the same logits; they are divided afterwards.",
            ),
        ),
        Question(
            "k",
            "With top-k at 1, what is the use of the temperature?",
            ("It decides which token is kept.", "It sets the seed.", "None: there is nothing to draw."),
            2,
            (
                "The order of the tokens does not depend on the temperature, so the first stays the first.",
                "The seed is a setting of its own.",
                "The one token left has probability 1, as at temperature 0.",
            ),
        ),
        Question(
            "adaptive",
            "How does top-p differ from top-k?",
            (
                "It keeps few tokens where the model is sure and many where it is not.",
                "It keeps the tokens that are longest.",
                "It works without probabilities.",
            ),
            0,
            (
                "It fills a share p of the probability, however many tokens that takes.",
                "The length of a token plays no part.",
                "It adds probabilities up, so it needs them.",
            ),
        ),
        Question(
            "loop",
            "What does autoregressive mean?",
            (
                "The model corrects its weights while it writes the text.",
                "Each drawn token is read before the next one.",
                "All tokens of the answer are drawn at once.",
            ),
            1,
            (
                "Weights do not change while writing.",
                "So one odd token changes everything after it.",
                "Then none could depend on the one before it.",
            ),
        ),
    ),
)
