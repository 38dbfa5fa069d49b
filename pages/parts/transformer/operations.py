"""The words of the part "Through the model": what each operation is called, how it is written, what it is for."""

from __future__ import annotations

from dataclasses import dataclass

from engine.gpt import GPTConfig
from pages.parts.transformer.words import ACTIVATIONS
from pages.shared.components.architecture_map import Place


@dataclass(frozen=True)
class Words:
    """An operation as the lesson names it: title, formula, one or two sentences, and its place in the drawing."""

    title: str
    formula: str
    text: str
    place: Place
    group: str = ""


def words_of(kind: str, config: GPTConfig) -> Words:
    """What is said of an operation of `engine.anatomy.operations` in a model of this shape."""
    head = "x · Wᵀ with the embedding's own table" if config.tie_embeddings else "x · W"
    activation = ACTIVATIONS[config.activation]
    return {
        "ids": Words(
            "Token ids",
            "text → ids",
            "The tokenizer cuts the text into tokens and numbers them. No vector yet.",
            "before",
        ),
        "token_embedding": Words(
            "Look up", "W[id]", "Each id picks its row of the embedding table: C numbers for each token.", "before"
        ),
        "position_embedding": Words(
            "+ position",
            "W[id] + P[t]",
            "The learned vector of each place is added. This sum is the residual stream at its start.",
            "before",
        ),
        "norm_attention": Words(
            "LayerNorm",
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            "Each token's vector is brought to one scale before attention reads it. The stream itself stays as it is.",
            "branch",
            "Attention",
        ),
        "qkv": Words(
            "Queries, keys, values",
            "x · W" + (" + b" if config.bias else ""),
            f"One product makes all three, side by side: 3 · {config.d_model:,} numbers a token. Cutting them into "
            f"{config.n_heads} heads of {config.head_size} costs nothing.",
            "branch",
            "Attention",
        ),
        "rotation": Words(
            "Turn q and k",
            "R(t) q,  R(t) k",
            "Rotary positions: pairs of numbers of queries and keys are turned by angles that grow with the position.",
            "branch",
            "Attention",
        ),
        "scores": Words(
            "Scores",
            "q · kᵀ / √D",
            "How well each query (row) suits each key (column), in every head. Later tokens are masked: −∞, left blank "
            "here.",
            "branch",
            "Attention",
        ),
        "weights": Words(
            "Softmax",
            "softmax(scores)",
            "Scores become shares: each row is positive and sums to 1. This is the attention.",
            "branch",
            "Attention",
        ),
        "heads": Words(
            "Weighted sum",
            "weights · v",
            "Each head gathers values from where it looks. The heads are laid side by side again.",
            "branch",
            "Attention",
        ),
        "attention_output": Words(
            "Project",
            "heads · W" + (" + b" if config.bias else ""),
            "A last matrix mixes what the heads found into one vector a token.",
            "branch",
            "Attention",
        ),
        "residual_middle": Words(
            "+ residual",
            "x + attention",
            "What attention found is added to the stream, not put in its place.",
            "add",
            "Attention",
        ),
        "norm_mlp": Words(
            "LayerNorm",
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            "Once more to one scale, with a scale of its own, before the MLP reads.",
            "branch",
            "MLP",
        ),
        "up": Words(
            "Up",
            "x · W" + (" + b" if config.bias else ""),
            f"Each token by itself: {config.d_model:,} numbers become {config.d_ff:,}, one for each neuron.",
            "branch",
            "MLP",
        ),
        "activation": Words(
            activation,
            {"gelu": "x Φ(x)", "gelu_tanh": "≈ x Φ(x)", "relu2": "max(0, x)²"}[config.activation],
            "What is negative is (nearly) switched off. Without this step two linear maps would be one.",
            "branch",
            "MLP",
        ),
        "down": Words(
            "Down",
            "h · W" + (" + b" if config.bias else ""),
            "The neurons that fired write their vectors: back to the width of the stream.",
            "branch",
            "MLP",
        ),
        "residual": Words("+ residual", "x + MLP", "Added to the stream: what the next layer reads.", "add", "MLP"),
        "final_norm": Words(
            "Final LayerNorm",
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            "The stream is brought to one scale a last time.",
            "after",
        ),
        "head": Words(
            "Head",
            head,
            "Each vector is compared with every token of the vocabulary: one score, a logit, for each.",
            "after",
        ),
        "softmax": Words(
            "Softmax",
            "softmax(logits)",
            "The scores become probabilities of the next token, for every position at once.",
            "after",
        ),
    }[kind]
