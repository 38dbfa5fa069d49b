"""The guide of Pretraining."""

from engine.language import N_
from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "train",
            N_("Train a model"),
            N_(
                "Press **Train** with the settings as they are and watch the validation loss leave the line of the "
                "uniform guess."
            ),
            part=N_("Train"),
            check=lambda: checks.finished_run("pretraining", "training"),
        ),
        Step(
            "trigram",
            N_("Beat counting in a minute"),
            N_(
                "Get the validation loss below the trigram line with at most 60 seconds of training. Text, vocabulary, "
                "size and learning rate are yours."
            ),
            part=N_("Train"),
            check=lambda: checks.below_trigram(60),
        ),
        Step(
            "time",
            N_("Go back in time"),
            N_(
                "Move the checkpoint from the first to the last. At which step do words appear, and when whole "
                "sentences?"
            ),
            part=N_("Time machine"),
        ),
        Step(
            "fault",
            N_("Find a fault"),
            N_("Train or open a mystery, look at its curve and its samples, and name what is wrong with it."),
            part=N_("Bug hunt"),
        ),
    ),
    questions=(
        Question(
            "labels",
            N_("Who writes the right answers from which a model learns in pretraining?"),
            (
                N_("People label the texts."),
                N_("Nobody: the next token of the text is the answer."),
                N_("A larger model."),
            ),
            1,
            (
                N_("Labels by people belong to fine-tuning. Nobody could label this much text."),
                N_("Every place of every text is an example with its answer beside it: so much text can be used."),
                N_("That is distillation. Here the text itself is enough."),
            ),
        ),
        Question(
            "start",
            N_("A new model with 4,000 tokens begins with a loss of about 8.3 nats. Why?"),
            (
                N_("It has made 8.3 mistakes per token."),
                N_("It guesses as if all tokens were alike: −ln(1/4,000) is 8.3."),
                N_("The learning rate was too high."),
            ),
            1,
            (
                N_("The loss is no count: it is the mean of −ln p of the right token."),
                N_("With random weights all probabilities are nearly 1/V, so the loss is ln V."),
                N_("Before the first step the learning rate has had no effect at all."),
            ),
        ),
        Question(
            "validation",
            N_("The training loss falls on, the validation loss rises. What happens?"),
            (
                N_("The model learns the training text by heart."),
                N_("The learning rate is too low."),
                N_("Nothing: they always part."),
            ),
            0,
            (
                N_("That is overfitting: what it gains on its own text no longer helps elsewhere. More text helps."),
                N_("Then both would fall slowly, side by side."),
                N_("A small gap is usual, but a rise means that more training makes it worse on new text."),
            ),
        ),
    ),
)
