"""The words of the part "Through the model": what each operation is called, how it is written, what it is for."""

from __future__ import annotations

from dataclasses import dataclass

from engine.gpt import GPTConfig
from engine.language import _
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
    head = _("x · Wᵀ with the embedding's own table") if config.tie_embeddings else "x · W"
    activation = ACTIVATIONS[config.activation]
    return {
        "ids": Words(
            _("Token ids"),
            _("text → ids"),
            _("The tokenizer cuts the text into tokens and numbers them. No vector yet."),
            "before",
        ),
        "token_embedding": Words(
            _("Look up"),
            "W[id]",
            _("Each id picks its row of the embedding table: C numbers for each token."),
            "before",
        ),
        "position_embedding": Words(
            _("+ position"),
            "W[id] + P[t]",
            _("The learned vector of each place is added. This sum is the residual stream at its start."),
            "before",
        ),
        "norm_attention": Words(
            "LayerNorm",
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            _(
                "Each token's vector is brought to one scale before attention reads it. The stream itself stays as it "
                "is."
            ),
            "branch",
            _("Attention"),
        ),
        "qkv": Words(
            _("Queries, keys, values"),
            "x · W" + (" + b" if config.bias else ""),
            _(
                "One product makes all three, side by side: 3 · {d_model:,} numbers a token. Cutting them into "
                "{n_heads} heads of {head_size} costs nothing.",
                d_model=config.d_model,
                n_heads=config.n_heads,
                head_size=config.head_size,
            ),
            "branch",
            _("Attention"),
        ),
        "rotation": Words(
            _("Turn q and k"),
            "R(t) q,  R(t) k",
            _(
                "Rotary positions: pairs of numbers of queries and keys are turned by angles that grow with the "
                "position."
            ),
            "branch",
            _("Attention"),
        ),
        "scores": Words(
            _("Scores"),
            "q · kᵀ / √D",
            _(
                "How well each query (row) suits each key (column), in every head. Later tokens are masked: −∞, left "
                "blank here."
            ),
            "branch",
            _("Attention"),
        ),
        "weights": Words(
            _("Softmax"),
            "softmax(scores)",
            _("Scores become shares: each row is positive and sums to 1. This is the attention."),
            "branch",
            _("Attention"),
        ),
        "heads": Words(
            _("Weighted sum"),
            _("weights · v"),
            _("Each head gathers values from where it looks. The heads are laid side by side again."),
            "branch",
            _("Attention"),
        ),
        "attention_output": Words(
            _("Project"),
            _("heads · W") + (" + b" if config.bias else ""),
            _("A last matrix mixes what the heads found into one vector a token."),
            "branch",
            _("Attention"),
        ),
        "residual_middle": Words(
            _("+ residual"),
            _("x + attention"),
            _("What attention found is added to the stream, not put in its place."),
            "add",
            _("Attention"),
        ),
        "norm_mlp": Words(
            "LayerNorm",
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            _("Once more to one scale, with a scale of its own, before the MLP reads."),
            "branch",
            "MLP",
        ),
        "up": Words(
            _("Up"),
            "x · W" + (" + b" if config.bias else ""),
            _(
                "Each token by itself: {d_model:,} numbers become {d_ff:,}, one for each neuron.",
                d_model=config.d_model,
                d_ff=config.d_ff,
            ),
            "branch",
            "MLP",
        ),
        "activation": Words(
            activation,
            {"gelu": "x Φ(x)", "gelu_tanh": "≈ x Φ(x)", "relu2": "max(0, x)²"}[config.activation],
            _("What is negative is (nearly) switched off. Without this step two linear maps would be one."),
            "branch",
            "MLP",
        ),
        "down": Words(
            _("Down"),
            "h · W" + (" + b" if config.bias else ""),
            _("The neurons that fired write their vectors: back to the width of the stream."),
            "branch",
            "MLP",
        ),
        "residual": Words(
            _("+ residual"), _("x + MLP"), _("Added to the stream: what the next layer reads."), "add", "MLP"
        ),
        "final_norm": Words(
            _("Final LayerNorm"),
            "(x − μ) / σ · γ" + (" + β" if config.bias else ""),
            _("The stream is brought to one scale a last time."),
            "after",
        ),
        "head": Words(
            _("Head"),
            head,
            _("Each vector is compared with every token of the vocabulary: one score, a logit, for each."),
            "after",
        ),
        "softmax": Words(
            _("Softmax"),
            "softmax(logits)",
            _("The scores become probabilities of the next token, for every position at once."),
            "after",
        ),
    }[kind]
