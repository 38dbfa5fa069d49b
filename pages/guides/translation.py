"""The guide of The original transformer."""

from engine.language import N_
from pages.guides import checks, model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "train",
            N_("Train a translator"),
            N_("Choose a language and press **Train**. Which rises first, BLEU or the share of exact matches?"),
            part=N_("Train it"),
            check=lambda: checks.finished_run("translation", "translator"),
        ),
        Step(
            "learned",
            N_("See a sentence come right"),
            N_("Find a held-out sentence that is wrong at an early checkpoint and right at a later one."),
            part=N_("Translate"),
            check=lambda: model_checks.translation_learned(),
        ),
        Step(
            "align",
            N_("Find who looks where"),
            N_("Read the map of cross-attention: which English word does each written word look at most?"),
            part=N_("Translate"),
        ),
        Step(
            "forcing",
            N_("Take the teacher away"),
            N_("Compare a sentence with the reference fed and without it, at an early checkpoint."),
            part=N_("Teacher forcing"),
        ),
        Step(
            "families",
            N_("Tell three families apart"),
            N_("Compare the three masks: who may look at whom in each family?"),
            part=N_("Three families"),
        ),
    ),
    questions=(
        Question(
            "purpose",
            N_("What was the transformer of Vaswani et al. (2017) built for?"),
            (N_("To chat."), N_("To translate."), N_("To recognise pictures.")),
            1,
            (
                N_("That came years later, with decoders trained on much more text."),
                N_("From English to German and French, with an encoder for the source and a decoder for the target."),
                N_("Transformers for pictures came later."),
            ),
        ),
        Question(
            "bert",
            N_("What is BERT trained to do?"),
            (
                N_("To guess hidden tokens from both sides."),
                N_("To predict the next token from the left."),
                N_("To write a translation."),
            ),
            0,
            (
                N_("An encoder sees left and right, so only what is hidden from it is worth guessing."),
                N_("That is GPT, a decoder."),
                N_("That takes a decoder, which BERT has not."),
            ),
        ),
        Question(
            "cross",
            N_("Where do the queries, keys and values of cross-attention come from?"),
            (
                N_("All from the source sentence."),
                N_("All from what is written so far."),
                N_("Queries from what is written so far, keys and values from the source."),
            ),
            2,
            (
                N_("That is the encoder's own attention."),
                N_("That is the decoder's own attention."),
                N_("So each written word can ask the source for what it needs."),
            ),
        ),
        Question(
            "teacher",
            N_("What does teacher forcing mean?"),
            (
                N_("In training the decoder reads the right words so far."),
                N_("A person corrects the model while it writes."),
                N_("A larger model gives its probabilities to a smaller one."),
            ),
            0,
            (
                N_(
                    "Whatever it has guessed itself. So all places can be trained at once; in use it has to live with "
                    "its own mistakes."
                ),
                N_("No person is needed: the reference translation is the teacher."),
                N_("That is distillation."),
            ),
        ),
    ),
)
