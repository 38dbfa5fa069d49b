"""The guide of Pretraining."""

from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "train",
            "Train a model",
            "Press **Train** with the settings as they are and watch the validation loss leave the line of the "
            "uniform guess.",
            part="Train",
            check=lambda: checks.finished_run("pretraining", "training"),
        ),
        Step(
            "trigram",
            "Beat counting in a minute",
            "Get the validation loss below the trigram line with at most 60 seconds of training. Text, vocabulary, "
            "size and learning rate are yours.",
            part="Train",
            check=lambda: checks.below_trigram(60),
        ),
        Step(
            "time",
            "Go back in time",
            "Move the checkpoint from the first to the last. At which step do words appear, and when whole sentences?",
            part="Time machine",
        ),
        Step(
            "fault",
            "Find a fault",
            "Train or open a mystery, look at its curve and its samples, and name what is wrong with it.",
            part="Bug hunt",
        ),
    ),
    questions=(
        Question(
            "labels",
            "Who writes the right answers from which a model learns in pretraining?",
            ("People label the texts.", "Nobody: the next token of the text is the answer.", "A larger model."),
            1,
            (
                "Labels by people belong to fine-tuning. Nobody could label this much text.",
                "Every place of every text is an example with its answer beside it: so much text can be used.",
                "That is distillation. Here the text itself is enough.",
            ),
        ),
        Question(
            "start",
            "A new model with 4,000 tokens begins with a loss of about 8.3 nats. Why?",
            (
                "It has made 8.3 mistakes per token.",
                "It guesses as if all tokens were alike: −ln(1/4,000) is 8.3.",
                "The learning rate was too high.",
            ),
            1,
            (
                "The loss is no count: it is the mean of −ln p of the right token.",
                "With random weights all probabilities are nearly 1/V, so the loss is ln V.",
                "Before the first step the learning rate has had no effect at all.",
            ),
        ),
        Question(
            "validation",
            "The training loss falls on, the validation loss rises. What happens?",
            (
                "The model learns the training text by heart.",
                "The learning rate is too low.",
                "Nothing: they always part.",
            ),
            0,
            (
                "That is overfitting: what it gains on its own text no longer helps elsewhere. More text helps.",
                "Then both would fall slowly, side by side.",
                "A small gap is usual, but a rise means that more training makes it worse on new text.",
            ),
        ),
    ),
)
