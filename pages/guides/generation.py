"""The guide of Generation."""

from engine.language import N_
from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "greedy",
            N_("Write without dice"),
            N_(
                "At temperature 0 write a text, press **Start again**, change the seed and write as much once more. Do "
                "the two differ?"
            ),
            check=lambda: text_checks.same_without_dice(),
        ),
        Step(
            "hot",
            N_("Turn the heat up"),
            N_("Write 20 tokens or more at a temperature above 1.2. Where does the text lose its sense?"),
            check=lambda: text_checks.written_hot(),
        ),
        Step(
            "filters",
            N_("Cut the tail"),
            N_("Keep the high temperature and add top-k or top-p. Open **Filter by filter** to see what is cut."),
        ),
        Step(
            "force",
            N_("Force one token"),
            N_(
                "Go back to a token of the text, choose another candidate there, and write on: the story takes another "
                "way."
            ),
        ),
        Step(
            "count",
            N_("Compare with counting"),
            N_("Let an n-gram continue the same prompt. After how many words do you notice that it only counts?"),
        ),
    ),
    questions=(
        Question(
            "temperature",
            N_("What does a temperature of 2 do?"),
            (
                N_("It halves the logits."),
                N_("It doubles the probabilities of all tokens."),
                N_("It makes the model compute twice."),
            ),
            0,
            (
                N_("Smaller differences between them make a flatter distribution after softmax: unlikely tokens gain."),
                N_("Probabilities add up to 1 at any temperature."),
                N_("The model computes the same logits; they are divided afterwards."),
            ),
        ),
        Question(
            "k",
            N_("With top-k at 1, what is the use of the temperature?"),
            (N_("It decides which token is kept."), N_("It sets the seed."), N_("None: there is nothing to draw.")),
            2,
            (
                N_("The order of the tokens does not depend on the temperature, so the first stays the first."),
                N_("The seed is a setting of its own."),
                N_("The one token left has probability 1, as at temperature 0."),
            ),
        ),
        Question(
            "adaptive",
            N_("How does top-p differ from top-k?"),
            (
                N_("It keeps few tokens where the model is sure and many where it is not."),
                N_("It keeps the tokens that are longest."),
                N_("It works without probabilities."),
            ),
            0,
            (
                N_("It fills a share p of the probability, however many tokens that takes."),
                N_("The length of a token plays no part."),
                N_("It adds probabilities up, so it needs them."),
            ),
        ),
        Question(
            "loop",
            N_("What does autoregressive mean?"),
            (
                N_("The model corrects its weights while it writes the text."),
                N_("Each drawn token is read before the next one."),
                N_("All tokens of the answer are drawn at once."),
            ),
            1,
            (
                N_("Weights do not change while writing."),
                N_("So one odd token changes everything after it."),
                N_("Then none could depend on the one before it."),
            ),
        ),
    ),
)
