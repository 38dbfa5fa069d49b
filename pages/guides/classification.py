"""The guide of Classification."""

from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "data",
            "Look at the labels",
            "Read some texts of each class. How often would you be right if you always said the commonest class?",
            part="Data",
        ),
        Step(
            "train",
            "Beat the commonest class",
            "Train a classifier whose accuracy on the validation texts is above the share of the commonest class.",
            part="Train it",
            check=lambda: checks.above_majority(),
        ),
        Step(
            "threshold",
            "Move the threshold",
            "Find the threshold at which at least 99 % of the alarms are true. What does it cost in recall?",
            part="How good is it?",
        ),
        Step(
            "flip",
            "Turn a message with one word",
            "Type a message, then add, take away or replace a single word so that it is called differently.",
            part="One message",
            check=lambda: checks.one_word_flip(),
        ),
        Step(
            "worth",
            "Ask whether it was worth it",
            "Compare your classifier with methods that train in a second, and with random weights.",
            part="Was it worth it?",
        ),
    ),
    questions=(
        Question(
            "head",
            "What is changed in a language model to make a classifier of spam?",
            (
                "Its head: two scores instead of one for each token of the vocabulary.",
                "Its tokenizer: spam and ham become tokens.",
                "Nothing: it is asked in the prompt.",
            ),
            0,
            (
                "The body keeps what pretraining has taught it, and may be trained on.",
                "The tokens stay as they are, or the pretrained weights would mean nothing.",
                "That would be zero-shot, without fine-tuning.",
            ),
        ),
        Question(
            "accuracy",
            "13 % of the messages are spam. A classifier has an accuracy of 87 %. How good is it?",
            (
                "Very good: nearly nine of ten are right.",
                "That cannot be said yet.",
                "Worse than throwing a coin.",
            ),
            1,
            (
                "It may never have found a single spam message.",
                "Always answering “ham” has 87 % as well: look at precision and recall of the rarer class.",
                "A coin has 50 %. The question is what it finds.",
            ),
        ),
        Question(
            "last",
            "In a causal model, the vector of which token has read the whole message?",
            ("The first.", "Every one.", "The last."),
            2,
            (
                "It sees only itself.",
                "With a causal mask each sees only what stands before it.",
                "That is why its vector, or a mean over all, is given to the classifier's head.",
            ),
        ),
        Question(
            "kinds",
            "How does a classifier differ from a model that was fine-tuned on instructions?",
            (
                "It can only say one of its classes.",
                "It learns from texts that nobody has labelled.",
                "It can do more tasks.",
            ),
            0,
            (
                "An instructed model writes text and can be asked many things, and needs more examples and computing.",
                "Labels are what both learn from.",
                "It is the other way round: it does the one task that it was trained for.",
            ),
        ),
    ),
)
