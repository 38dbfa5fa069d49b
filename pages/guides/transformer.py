"""The guide of Anatomy."""

from engine.language import N_
from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "size",
            N_("Build GPT-2 small another way"),
            N_(
                "Begin with GPT-2 small, change layers and width, and come within 1 % of its 124 million parameters "
                "again."
            ),
            part=N_("Size"),
            check=lambda: model_checks.size_near_gpt2(),
        ),
        Step(
            "billions",
            N_("Pass a billion"),
            N_("Choose or build a shape of at least one billion parameters. Does it still fit this machine?"),
            part=N_("Size"),
            check=lambda: model_checks.size_of_billions(),
        ),
        Step(
            "through",
            N_("Go through the model"),
            N_("Follow a sentence from ids to logits: at which operations do tokens exchange information?"),
            part=N_("Through the model"),
        ),
        Step(
            "stream",
            N_("Take the stream apart"),
            N_("See how attention and MLP of every layer add to one token's vector. Who adds most?"),
            part=N_("Residual stream"),
        ),
        Step(
            "lens",
            N_("Watch a prediction form"),
            N_("Read the logit lens from below: in which layer does the final answer come first?"),
            part=N_("Logit lens"),
        ),
    ),
    questions=(
        Question(
            "where",
            N_("Where are most parameters of a large transformer?"),
            (
                N_("In the layer norms."),
                N_("In the table of positions."),
                N_("In the matrices of the MLPs and of attention."),
            ),
            2,
            (
                N_("A norm has one or two numbers for each dimension, no matrix."),
                N_("It has a vector for each position, next to nothing beside the layers."),
                N_("About 12 C² in each layer, two thirds of it in the MLP."),
            ),
        ),
        Question(
            "mixing",
            N_("Which part lets a token know of the others?"),
            (N_("The MLP."), N_("Attention."), N_("The layer norm.")),
            1,
            (
                N_("It computes on each token's vector by itself."),
                N_("It is the only one that reads across positions."),
                N_("It treats each vector alone as well."),
            ),
        ),
        Question(
            "gpt",
            N_("What did GPT keep of the transformer of 2017?"),
            (
                N_("The decoder's side alone, without cross-attention."),
                N_("The encoder alone, which sees a text from both sides."),
                N_("Both sides, made larger."),
            ),
            0,
            (
                N_("Causal self-attention and MLP, layer upon layer; there is no second text to look at."),
                N_("That is BERT, which guesses hidden tokens."),
                N_("T5 and BART kept both."),
            ),
        ),
        Question(
            "residual",
            N_("What does a block do to the residual stream?"),
            (N_("It replaces it."), N_("It adds to it."), N_("It sorts it.")),
            1,
            (
                N_("Then early information would be lost, and gradients would find no straight way back."),
                N_("Each vector at the end is its embedding plus all that the blocks have added."),
                N_("The order of tokens never changes."),
            ),
        ),
    ),
)
