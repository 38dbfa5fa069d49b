"""The guide of One prompt, whole way."""

from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "stations",
            "Visit every station",
            "Go with the prompt from bytes to the next token, and say at each station what goes in and what comes out.",
        ),
        Step(
            "own",
            "Pin a prompt of your own",
            "Follow two different prompts. Which stations change with the prompt, and which with the model?",
            check=lambda: model_checks.followed_prompts(2),
        ),
        Step(
            "training",
            "Follow it through training",
            "With the same prompt look at step 0 of a run and at a later step. What has the model learned about it?",
            check=lambda: model_checks.followed_over_training(),
        ),
        Step(
            "head",
            "Ask a head where it looks",
            "Choose a head and read which earlier tokens the last one collects from.",
        ),
        Step(
            "roll",
            "Throw the dice",
            "Draw the next token a few times, then append one: the whole way begins again with a longer prompt.",
        ),
    ),
    questions=(
        Question(
            "order",
            "In which order does a prompt pass through the model?",
            (
                "Embeddings, tokens, softmax, attention, probabilities, logits.",
                "Tokens, attention, embedding, logits.",
                "Tokens, embeddings, layers, logits, probabilities.",
            ),
            2,
            (
                "Without tokens there is nothing to embed, and softmax of the vocabulary comes last.",
                "Attention computes with vectors, so the embedding comes before it.",
                "Only then is a token drawn and put behind the prompt.",
            ),
        ),
        Question(
            "vector",
            "Whose final vector is turned into the prediction of the next token?",
            (
                "That of the last token of the prompt.",
                "The mean of the vectors of all its tokens.",
                "That of the first token.",
            ),
            0,
            (
                "By attention it has collected what it needs from all before it.",
                "A classifier may use the mean; a language model predicts at each place from that place.",
                "It has seen nothing but itself.",
            ),
        ),
        Question(
            "chosen",
            "Who chooses the next token?",
            (
                "The attention head with the largest weights.",
                "Dice outside of the model.",
                "The tokenizer.",
            ),
            1,
            (
                "Heads add to vectors; they choose nothing.",
                "The model only computes the probabilities by which they fall, the same ones every time.",
                "It only turns the chosen id back into text.",
            ),
        ),
        Question(
            "fixed",
            "Which stations stay as they are while the model trains?",
            (
                "Those of the tokenizer: bytes, merges, ids.",
                "The embeddings.",
                "None: everything is trained.",
            ),
            0,
            (
                "The tokenizer was made before and is not touched by training.",
                "The vectors are weights, and are learned like all others.",
                "The tokenizer is no part of what the gradient reaches.",
            ),
        ),
    ),
)
