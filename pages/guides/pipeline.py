"""The guide of the first page: the way through the course."""

from engine.language import N_
from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "map",
            N_("Read the map"),
            N_("Find the two stages, what goes into each and what comes out. Every box leads to its lesson."),
        ),
        Step(
            "text",
            N_("Follow a text to numbers"),
            N_(
                "Go through Data, Tokenization, and Windows and embeddings: raw text becomes tokens, tokens become "
                "training examples and vectors."
            ),
        ),
        Step(
            "pretrained",
            N_("Pretrain a model"),
            N_("Press **Train a model**, and wait until its run is finished. It needs a minute, and nobody's labels."),
            check=lambda: checks.finished_run("pretraining", "pretraining"),
        ),
        Step(
            "inside",
            N_("Look inside"),
            N_(
                "Press **Look inside** at your model, then go on to Anatomy and One prompt, whole way: what turns "
                "tokens into a prediction?"
            ),
        ),
        Step(
            "tuned",
            N_("Fine-tune a model"),
            N_(
                "Make a classifier or an assistant in the lessons of stage 2. Both begin with a pretrained model, and "
                "need labelled examples."
            ),
            check=lambda: checks.any_finished_run(("classification", "instructions"), "fine-tuning"),
        ),
        Step(
            "used",
            N_("Use it and judge it"),
            N_("Write with your model in Generation, then read its report card in Evaluation: would you rely on it?"),
        ),
    ),
    questions=(
        Question(
            "stages",
            N_("What are the two stages, in their order?"),
            (
                N_("Fine-tuning on raw text from the web, then pretraining on examples with labels."),
                N_("Tokenization, then attention."),
                N_("Pretraining on unlabelled text, then fine-tuning on labelled examples."),
            ),
            2,
            (
                N_("It is the other way round: much raw text first, few labelled examples afterwards."),
                N_("Both are steps inside of the first stage."),
                N_("The first stage teaches language at large, the second one a task."),
            ),
        ),
        Question(
            "result",
            N_("What comes out of the first stage?"),
            (
                N_("A foundation model, which goes on with any text."),
                N_("A chat assistant that answers questions politely and truthfully."),
                N_("A table of all sentences that were read."),
            ),
            0,
            (
                N_("It has learned to predict the next token, and is the beginning of many other models."),
                N_("Answering is taught in the second stage, by instructions with answers."),
                N_("A model keeps weights, not its texts, though it may have learned some passages by heart."),
            ),
        ),
        Question(
            "cost",
            N_("Training GPT-3 was estimated at about 4.6 million dollars of computing. Which stage does that count?"),
            (
                N_("Fine-tuning, because labels that people write are dear."),
                N_("Pretraining, on 300 billion tokens."),
                N_("Answering the questions of its users for a year."),
            ),
            1,
            (
                N_("Labels cost money too, but they are not in this estimate."),
                N_(
                    "Each token goes through 175 billion parameters. That is why so many start from a model that "
                    "others pretrained."
                ),
                N_("Use has costs of its own, which this estimate leaves out."),
            ),
        ),
        Question(
            "task",
            N_("A mail provider wants to sort out spam and has 5,000 labelled messages. What is the usual way?"),
            (
                N_("Pretrain a new model on the 5,000 messages."),
                N_("Fine-tune a pretrained model on them."),
                N_("Wait until a model has read them on the web."),
            ),
            1,
            (
                N_("That is far too little text to learn a language from."),
                N_("The language is there already; the labels only have to teach the two classes."),
                N_("Reading text without labels does not tell it what the provider calls spam."),
            ),
        ),
    ),
)
