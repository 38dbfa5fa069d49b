"""The guide of The original transformer."""

from pages.guides import checks, model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "train",
            "Train a translator",
            "Choose a language and press **Train**. Which rises first, BLEU or the share of exact matches?",
            part="Train it",
            check=lambda: checks.finished_run("translation", "translator"),
        ),
        Step(
            "learned",
            "See a sentence come right",
            "Find a held-out sentence that is wrong at an early checkpoint and right at a later one.",
            part="Translate",
            check=lambda: model_checks.translation_learned(),
        ),
        Step(
            "align",
            "Find who looks where",
            "Read the map of cross-attention: which English word does each written word look at most?",
            part="Translate",
        ),
        Step(
            "forcing",
            "Take the teacher away",
            "Compare a sentence with the reference fed and without it, at an early checkpoint.",
            part="Teacher forcing",
        ),
        Step(
            "families",
            "Tell three families apart",
            "Compare the three masks: who may look at whom in each family?",
            part="Three families",
        ),
    ),
    questions=(
        Question(
            "purpose",
            "What was the transformer of Vaswani et al. (2017) built for?",
            ("To chat.", "To translate.", "To recognise pictures."),
            1,
            (
                "That came years later, with decoders trained on much more text.",
                "From English to German and French, with an encoder for the source and a decoder for the target.",
                "Transformers for pictures came later.",
            ),
        ),
        Question(
            "bert",
            "What is BERT trained to do?",
            (
                "To guess hidden tokens from both sides.",
                "To predict the next token from the left.",
                "To write a translation.",
            ),
            0,
            (
                "An encoder sees left and right, so only what is hidden from it is worth guessing.",
                "That is GPT, a decoder.",
                "That takes a decoder, which BERT has not.",
            ),
        ),
        Question(
            "cross",
            "Where do the queries, keys and values of cross-attention come from?",
            (
                "All from the source sentence.",
                "All from what is written so far.",
                "Queries from what is written so far, keys and values from the source.",
            ),
            2,
            (
                "That is the encoder's own attention.",
                "That is the decoder's own attention.",
                "So each written word can ask the source for what it needs.",
            ),
        ),
        Question(
            "teacher",
            "What does teacher forcing mean?",
            (
                "In training the decoder reads the right words so far.",
                "A person corrects the model while it writes.",
                "A larger model gives its probabilities to a smaller one.",
            ),
            0,
            (
                "Whatever it has guessed itself. So all places can be trained at once; in use it has to live with its "
                "own mistakes.",
                "No person is needed: the reference translation is the teacher.",
                "That is distillation.",
            ),
        ),
    ),
)
