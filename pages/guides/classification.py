"""The guide of Classification."""

from engine.language import N_
from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "data",
            N_("Look at the labels"),
            N_("Read some texts of each class. How often would you be right if you always said the commonest class?"),
            part=N_("Data"),
        ),
        Step(
            "train",
            N_("Beat the commonest class"),
            N_("Train a classifier whose accuracy on the validation texts is above the share of the commonest class."),
            part=N_("Train it"),
            check=lambda: checks.above_majority(),
        ),
        Step(
            "threshold",
            N_("Move the threshold"),
            N_("Find the threshold at which at least 99 % of the alarms are true. What does it cost in recall?"),
            part=N_("How good is it?"),
        ),
        Step(
            "flip",
            N_("Turn a message with one word"),
            N_("Type a message, then add, take away or replace a single word so that it is called differently."),
            part=N_("One message"),
            check=lambda: checks.one_word_flip(),
        ),
        Step(
            "worth",
            N_("Ask whether it was worth it"),
            N_("Compare your classifier with methods that train in a second, and with random weights."),
            part=N_("Was it worth it?"),
        ),
    ),
    questions=(
        Question(
            "head",
            N_("What is changed in a language model to make a classifier of spam?"),
            (
                N_("Its head: two scores instead of one for each token of the vocabulary."),
                N_("Its tokenizer: spam and ham become tokens."),
                N_("Nothing: it is asked in the prompt."),
            ),
            0,
            (
                N_("The body keeps what pretraining has taught it, and may be trained on."),
                N_("The tokens stay as they are, or the pretrained weights would mean nothing."),
                N_("That would be zero-shot, without fine-tuning."),
            ),
        ),
        Question(
            "accuracy",
            N_("13 % of the messages are spam. A classifier has an accuracy of 87 %. How good is it?"),
            (
                N_("Very good: nearly nine of ten are right."),
                N_("That cannot be said yet."),
                N_("Worse than throwing a coin."),
            ),
            1,
            (
                N_("It may never have found a single spam message."),
                N_("Always answering “ham” has 87 % as well: look at precision and recall of the rarer class."),
                N_("A coin has 50 %. The question is what it finds."),
            ),
        ),
        Question(
            "last",
            N_("In a causal model, the vector of which token has read the whole message?"),
            (N_("The first."), N_("Every one."), N_("The last.")),
            2,
            (
                N_("It sees only itself."),
                N_("With a causal mask each sees only what stands before it."),
                N_("That is why its vector, or a mean over all, is given to the classifier's head."),
            ),
        ),
        Question(
            "kinds",
            N_("How does a classifier differ from a model that was fine-tuned on instructions?"),
            (
                N_("It can only say one of its classes."),
                N_("It learns from texts that nobody has labelled."),
                N_("It can do more tasks."),
            ),
            0,
            (
                N_(
                    "An instructed model writes text and can be asked many things, and needs more examples and "
                    "computing."
                ),
                N_("Labels are what both learn from."),
                N_("It is the other way round: it does the one task that it was trained for."),
            ),
        ),
    ),
)
