"""The guide of the first page: the way through the course."""

from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "map",
            "Read the map",
            "Find the two stages, what goes into each and what comes out. Every box leads to its lesson.",
        ),
        Step(
            "text",
            "Follow a text to numbers",
            "Go through Data, Tokenization, and Windows and embeddings: raw text becomes tokens, tokens become "
            "training examples and vectors.",
        ),
        Step(
            "pretrained",
            "Pretrain a model",
            "Press **Train a model**, and wait until its run is finished. It needs a minute, and nobody's labels.",
            check=lambda: checks.finished_run("pretraining", "pretraining"),
        ),
        Step(
            "inside",
            "Look inside",
            "Press **Look inside** at your model, then go on to Anatomy and One prompt, whole way: what turns tokens "
            "into a prediction?",
        ),
        Step(
            "tuned",
            "Fine-tune a model",
            "Make a classifier or an assistant in the lessons of stage 2. Both begin with a pretrained model, and need "
            "labelled examples.",
            check=lambda: checks.any_finished_run(("classification", "instructions"), "fine-tuning"),
        ),
        Step(
            "used",
            "Use it and judge it",
            "Write with your model in Generation, then read its report card in Evaluation: would you rely on it?",
        ),
    ),
    questions=(
        Question(
            "stages",
            "What are the two stages, in their order?",
            (
                "Fine-tuning on raw text from the web, then pretraining on examples with labels.",
                "Tokenization, then attention.",
                "Pretraining on unlabelled text, then fine-tuning on labelled examples.",
            ),
            2,
            (
                "It is the other way round: much raw text first, few labelled examples afterwards.",
                "Both are steps inside of the first stage.",
                "The first stage teaches language at large, the second one a task.",
            ),
        ),
        Question(
            "result",
            "What comes out of the first stage?",
            (
                "A foundation model, which goes on with any text.",
                "A chat assistant that answers questions politely and truthfully.",
                "A table of all sentences that were read.",
            ),
            0,
            (
                "It has learned to predict the next token, and is the beginning of many other models.",
                "Answering is taught in the second stage, by instructions with answers.",
                "A model keeps weights, not its texts, though it may have learned some passages by heart.",
            ),
        ),
        Question(
            "cost",
            "Training GPT-3 was estimated at about 4.6 million dollars of computing. Which stage does that count?",
            (
                "Fine-tuning, because labels that people write are dear.",
                "Pretraining, on 300 billion tokens.",
                "Answering the questions of its users for a year.",
            ),
            1,
            (
                "Labels cost money too, but they are not in this estimate.",
                "Each token goes through 175 billion parameters. That is why so many start from a model that others "
                "pretrained.",
                "Use has costs of its own, which this estimate leaves out.",
            ),
        ),
        Question(
            "task",
            "A mail provider wants to sort out spam and has 5,000 labelled messages. What is the usual way?",
            (
                "Pretrain a new model on the 5,000 messages.",
                "Fine-tune a pretrained model on them.",
                "Wait until a model has read them on the web.",
            ),
            1,
            (
                "That is far too little text to learn a language from.",
                "The language is there already; the labels only have to teach the two classes.",
                "Reading text without labels does not tell it what the provider calls spam.",
            ),
        ),
    ),
)
