"""The guide of Evaluation."""

from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "walk",
            "Walk from logits to a loss",
            "Take one token through all six steps. Which of the probabilities does the loss look at?",
            part="Cross-entropy step by step",
        ),
        Step(
            "easy",
            "Write what it expects",
            "Write a text of your own, of at least 10 tokens, with a perplexity below 5. What does it look like?",
            part="Surprise",
            check=lambda: text_checks.easy_text(),
        ),
        Step(
            "hard",
            "Surprise it",
            "Write a text with one token that costs 15 bits or more: a chance of one in 32,768.",
            part="Surprise",
            check=lambda: text_checks.surprising_token(),
        ),
        Step(
            "copied",
            "Look for copies",
            "Let the model go on from training text and from held-out text: are its longest copies any longer in the "
            "first case?",
            part="Memorised or generalised?",
        ),
        Step(
            "card",
            "Read a report card",
            "Find the loss, what it was measured on, and one number that you would add before others use this model.",
            part="Report card",
        ),
    ),
    questions=(
        Question(
            "perplexity",
            "A model has a perplexity of 1 on a text. What does that mean?",
            (
                "It guesses among all tokens of the vocabulary as if they were alike.",
                "It gave each token that came a probability of 1.",
                "It is wrong once in the text.",
            ),
            1,
            (
                "Then the perplexity would be the size of the vocabulary.",
                "Its loss is 0 then. Hardly a text but one learned by heart can do that.",
                "Perplexity counts no mistakes: it is e to the power of the mean surprise.",
            ),
        ),
        Question(
            "compare",
            "Two models with different tokenizers are compared on the same text. By which number?",
            ("Loss per token.", "Perplexity.", "Bits per byte."),
            2,
            (
                "A tokenizer with longer tokens has fewer of them, each harder to predict.",
                "It is the loss per token in another form, with the same fault.",
                "The text has the same bytes whoever cuts it.",
            ),
        ),
        Question(
            "heldout",
            "Why is a model judged on text that it has not been trained on?",
            (
                "It may know its training text by heart.",
                "Training text has been cleaned, so that it is too easy to read.",
                "To save computing.",
            ),
            0,
            (
                "Only new text tells whether it has learned something that carries over.",
                "It is text of the same kind; what differs is that it was seen.",
                "The computing is the same.",
            ),
        ),
        Question(
            "truth",
            "A sentence has a very low perplexity. Is it true?",
            (
                "Yes: the model is sure of it.",
                "Yes, if the model is large enough.",
                "Not necessarily.",
            ),
            2,
            (
                "It is sure of the words, and does not know of the world but by them.",
                "Large models have read more, and false but frequent sentences too.",
                "It is what such texts usually say. A false sentence of usual words can be very likely, and a true one "
                "surprising.",
            ),
        ),
    ),
)
