"""The guide of Anatomy."""

from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "size",
            "Build GPT-2 small another way",
            "Begin with GPT-2 small, change layers and width, and come within 1 % of its 124 million parameters again.",
            part="Size",
            check=lambda: model_checks.size_near_gpt2(),
        ),
        Step(
            "billions",
            "Pass a billion",
            "Choose or build a shape of at least one billion parameters. Does it still fit this machine?",
            part="Size",
            check=lambda: model_checks.size_of_billions(),
        ),
        Step(
            "through",
            "Go through the model",
            "Follow a sentence from ids to logits: at which operations do tokens exchange information?",
            part="Through the model",
        ),
        Step(
            "stream",
            "Take the stream apart",
            "See how attention and MLP of every layer add to one token's vector. Who adds most?",
            part="Residual stream",
        ),
        Step(
            "lens",
            "Watch a prediction form",
            "Read the logit lens from below: in which layer does the final answer come first?",
            part="Logit lens",
        ),
    ),
    questions=(
        Question(
            "where",
            "Where are most parameters of a large transformer?",
            (
                "In the layer norms.",
                "In the table of positions.",
                "In the matrices of the MLPs and of attention.",
            ),
            2,
            (
                "A norm has one or two numbers for each dimension, no matrix.",
                "It has a vector for each position, next to nothing beside the layers.",
                "About 12 C² in each layer, two thirds of it in the MLP.",
            ),
        ),
        Question(
            "mixing",
            "Which part lets a token know of the others?",
            ("The MLP.", "Attention.", "The layer norm."),
            1,
            (
                "It computes on each token's vector by itself.",
                "It is the only one that reads across positions.",
                "It treats each vector alone as well.",
            ),
        ),
        Question(
            "gpt",
            "What did GPT keep of the transformer of 2017?",
            (
                "The decoder's side alone, without cross-attention.",
                "The encoder alone, which sees a text from both sides.",
                "Both sides, made larger.",
            ),
            0,
            (
                "Causal self-attention and MLP, layer upon layer; there is no second text to look at.",
                "That is BERT, which guesses hidden tokens.",
                "T5 and BART kept both.",
            ),
        ),
        Question(
            "residual",
            "What does a block do to the residual stream?",
            ("It replaces it.", "It adds to it.", "It sorts it."),
            1,
            (
                "Then early information would be lost, and gradients would find no straight way back.",
                "Each vector at the end is its embedding plus all that the blocks have added.",
                "The order of tokens never changes.",
            ),
        ),
    ),
)
