"""The guide of Evaluation."""

from engine.language import N_
from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "walk",
            N_("Walk from logits to a loss"),
            N_("Take one token through all six steps. Which of the probabilities does the loss look at?"),
            part=N_("Cross-entropy step by step"),
        ),
        Step(
            "easy",
            N_("Write what it expects"),
            N_("Write a text of your own, of at least 10 tokens, with a perplexity below 5. What does it look like?"),
            part=N_("Surprise"),
            check=lambda: text_checks.easy_text(),
        ),
        Step(
            "hard",
            N_("Surprise it"),
            N_("Write a text with one token that costs 15 bits or more: a chance of one in 32,768."),
            part=N_("Surprise"),
            check=lambda: text_checks.surprising_token(),
        ),
        Step(
            "copied",
            N_("Look for copies"),
            N_(
                "Let the model go on from training text and from held-out text: are its longest copies any longer in "
                "the first case?"
            ),
            part=N_("Memorised or generalised?"),
        ),
        Step(
            "card",
            N_("Read a report card"),
            N_(
                "Find the loss, what it was measured on, and one number that you would add before others use this "
                "model."
            ),
            part=N_("Report card"),
        ),
    ),
    questions=(
        Question(
            "perplexity",
            N_("A model has a perplexity of 1 on a text. What does that mean?"),
            (
                N_("It guesses among all tokens of the vocabulary as if they were alike."),
                N_("It gave each token that came a probability of 1."),
                N_("It is wrong once in the text."),
            ),
            1,
            (
                N_("Then the perplexity would be the size of the vocabulary."),
                N_("Its loss is 0 then. Hardly a text but one learned by heart can do that."),
                N_("Perplexity counts no mistakes: it is e to the power of the mean surprise."),
            ),
        ),
        Question(
            "compare",
            N_("Two models with different tokenizers are compared on the same text. By which number?"),
            (N_("Loss per token."), N_("Perplexity."), N_("Bits per byte.")),
            2,
            (
                N_("A tokenizer with longer tokens has fewer of them, each harder to predict."),
                N_("It is the loss per token in another form, with the same fault."),
                N_("The text has the same bytes whoever cuts it."),
            ),
        ),
        Question(
            "heldout",
            N_("Why is a model judged on text that it has not been trained on?"),
            (
                N_("It may know its training text by heart."),
                N_("Training text has been cleaned, so that it is too easy to read."),
                N_("To save computing."),
            ),
            0,
            (
                N_("Only new text tells whether it has learned something that carries over."),
                N_("It is text of the same kind; what differs is that it was seen."),
                N_("The computing is the same."),
            ),
        ),
        Question(
            "truth",
            N_("A sentence has a very low perplexity. Is it true?"),
            (
                N_("Yes: the model is sure of it."),
                N_("Yes, if the model is large enough."),
                N_("Not necessarily."),
            ),
            2,
            (
                N_("It is sure of the words, and does not know of the world but by them."),
                N_("Large models have read more, and false but frequent sentences too."),
                N_(
                    "It is what such texts usually say. A false sentence of usual words can be very likely, and a true "
                    "one surprising."
                ),
            ),
        ),
    ),
)
