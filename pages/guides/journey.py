"""The guide of One prompt, whole way."""

from engine.language import N_
from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "stations",
            N_("Visit every station"),
            N_(
                "Go with the prompt from bytes to the next token, and say at each station what goes in and what comes "
                "out."
            ),
        ),
        Step(
            "own",
            N_("Pin a prompt of your own"),
            N_("Follow two different prompts. Which stations change with the prompt, and which with the model?"),
            check=lambda: model_checks.followed_prompts(2),
        ),
        Step(
            "training",
            N_("Follow it through training"),
            N_(
                "With the same prompt look at step 0 of a run and at a later step. What has the model learned about it?"
            ),
            check=lambda: model_checks.followed_over_training(),
        ),
        Step(
            "head",
            N_("Ask a head where it looks"),
            N_("Choose a head and read which earlier tokens the last one collects from."),
        ),
        Step(
            "roll",
            N_("Throw the dice"),
            N_("Draw the next token a few times, then append one: the whole way begins again with a longer prompt."),
        ),
    ),
    questions=(
        Question(
            "order",
            N_("In which order does a prompt pass through the model?"),
            (
                N_("Embeddings, tokens, softmax, attention, probabilities, logits."),
                N_("Tokens, attention, embedding, logits."),
                N_("Tokens, embeddings, layers, logits, probabilities."),
            ),
            2,
            (
                N_("Without tokens there is nothing to embed, and softmax of the vocabulary comes last."),
                N_("Attention computes with vectors, so the embedding comes before it."),
                N_("Only then is a token drawn and put behind the prompt."),
            ),
        ),
        Question(
            "vector",
            N_("Whose final vector is turned into the prediction of the next token?"),
            (
                N_("That of the last token of the prompt."),
                N_("The mean of the vectors of all its tokens."),
                N_("That of the first token."),
            ),
            0,
            (
                N_("By attention it has collected what it needs from all before it."),
                N_("A classifier may use the mean; a language model predicts at each place from that place."),
                N_("It has seen nothing but itself."),
            ),
        ),
        Question(
            "chosen",
            N_("Who chooses the next token?"),
            (
                N_("The attention head with the largest weights."),
                N_("Dice outside of the model."),
                N_("The tokenizer."),
            ),
            1,
            (
                N_("Heads add to vectors; they choose nothing."),
                N_("The model only computes the probabilities by which they fall, the same ones every time."),
                N_("It only turns the chosen id back into text."),
            ),
        ),
        Question(
            "fixed",
            N_("Which stations stay as they are while the model trains?"),
            (
                N_("Those of the tokenizer: bytes, merges, ids."),
                N_("The embeddings."),
                N_("None: everything is trained."),
            ),
            0,
            (
                N_("The tokenizer was made before and is not touched by training."),
                N_("The vectors are weights, and are learned like all others."),
                N_("The tokenizer is no part of what the gradient reaches."),
            ),
        ),
    ),
)
