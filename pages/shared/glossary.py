"""The terms of the course, each in a sentence or two, and how a text gets its terms linked to them.

A linked term shows its definition on hovering (the title of the link) and leads to the glossary.
"""

# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Term:
    """A term, what it means (plain text), the lesson about it, and other forms under which texts use it."""

    name: str
    meaning: str
    lesson: str
    forms: tuple[str, ...] = ()


TERMS: tuple[Term, ...] = (
    Term("ablation", "Training once more with one thing left out, all else the same, to see what that thing brought.", "foundation", ("ablations",)),
    Term("activation", "A number that a layer computes from the input, as opposed to a weight, which is learned.", "transformer", ("activations",)),
    Term("adapter", "Small extra matrices trained in place of a model's own weights, kept in a file apart.", "instructions", ("adapters",)),
    Term("attention", "The step in which each token collects information from other tokens, weighted by how well its query fits their keys.", "attention"),
    Term("attention head", "One of several attentions that run side by side in a layer, each with queries, keys and values of its own.", "attention", ("attention heads",)),
    Term("autoregressive", "Writing one token after another, each predicted from all before it.", "generation"),
    Term("back-off", "In an n-gram model: using the shorter history where the longer one was never seen.", "pretraining"),
    Term("base model", "A model after pretraining and before fine-tuning: it continues text, it does not yet answer.", "foundation", ("base models",)),
    Term("batch", "The examples whose gradients are averaged into one step of training.", "pretraining", ("batches",)),
    Term("beam search", "Decoding that keeps several unfinished texts and goes on with the most probable ones.", "translation"),
    Term("bits per byte", "The loss as bits for each byte of text; it can be compared between tokenizers.", "evaluation"),
    Term("BLEU", "A score of translations from 0 to 100: how many runs of one to four words they share with the reference.", "translation"),
    Term("BPE", "Byte pair encoding: a vocabulary learned by merging the most frequent pair of neighbouring tokens again and again.", "tokenization", ("byte pair encoding",)),
    Term("calibration", "Whether what is said with 80 % probability is right in 80 % of cases.", "classification"),
    Term("causal mask", "What hides later tokens from earlier ones, so that a model cannot look at the answer.", "attention"),
    Term("checkpoint", "The state of a model saved at some step of its training.", "pretraining", ("checkpoints",)),
    Term("confusion matrix", "A table that counts how many texts of each class were called each class.", "classification"),
    Term("context length", "How many tokens a model can look at together.", "embeddings"),
    Term("cross-attention", "Attention of one text to another: queries from what is being written, keys and values from what is read.", "translation"),
    Term("cross-entropy", "The mean of −ln p over the right answers: how surprised a model is by what really came.", "evaluation"),
    Term("decoder", "A transformer that reads from left to right and writes the next token, such as GPT.", "translation", ("decoders",)),
    Term("embedding", "The vector of numbers that stands for a token (or a position) inside a model.", "embeddings", ("embeddings",)),
    Term("encoder", "A transformer in which each token sees all others, left and right, such as BERT.", "translation", ("encoders",)),
    Term("end-of-text token", "A token without text that tells the model where a document or an answer ends.", "tokenization", ("end-of-text tokens",)),
    Term("epoch", "One pass over all the training examples.", "instructions", ("epochs",)),
    Term("exact match", "The share of answers that agree with the reference word for word.", "instructions", ("exact matches",)),
    Term("few-shot", "Showing a model some solved examples in its prompt, without training it.", "foundation"),
    Term("fine-tuning", "Training a pretrained model further, on fewer and labelled examples of one task.", "instructions"),
    Term("FLOPs", "Floating-point operations, the unit of computing; training takes about 6 per parameter and token.", "scaling"),
    Term("foundation model", "A model pretrained on broad text from which many others are made.", "foundation"),
    Term("gradient", "For each weight, how the loss would change if the weight grew a little: the direction of learning.", "pretraining", ("gradients",)),
    Term("greedy decoding", "Writing by always taking the most probable next token.", "translation"),
    Term("hallucination", "A fluent answer that is not true, given with the same ease as a true one.", "instructions", ("hallucinations",)),
    Term("hyperparameter", "A setting that is chosen and not learned, such as the learning rate.", "pretraining", ("hyperparameters",)),
    Term("KV cache", "Keys and values of earlier tokens, kept while writing so that they are not computed again.", "generation"),
    Term("label", "The right answer to an example, given by people, that fine-tuning learns from.", "classification", ("labels",)),
    Term("layer normalisation", "Bringing a token's vector to mean 0 and length 1 times a learned scale before a step reads it.", "transformer", ("layer norm",)),
    Term("learning rate", "How far a step of training moves the weights.", "pretraining", ("learning rates",)),
    Term("logit", "A score before softmax; any number, higher means more probable.", "generation", ("logits",)),
    Term("logit lens", "Reading the residual stream after each layer with the final norm and head, to see the prediction form.", "transformer"),
    Term("LoRA", "Low-rank adaptation: the update of a matrix is learned as the product of two thin ones.", "instructions"),
    Term("loss", "The number that training makes smaller; here the cross-entropy of the next token.", "pretraining", ("losses",)),
    Term("MLP", "The small network in each layer that works on each token by itself: a wide matrix, a bend, a matrix back.", "transformer", ("MLPs", "feed-forward network", "feed-forward networks")),
    Term("multi-head attention", "Several attention heads side by side, their results joined.", "attention"),
    Term("n-gram", "A row of n neighbouring tokens; n-gram models predict from counts of them.", "pretraining", ("n-grams",)),
    Term("near-duplicate", "A passage that is nearly the same as another one, but for a few words.", "data", ("near-duplicates",)),
    Term("next-token prediction", "The task of pretraining: guess the token that comes next, at every place of a text.", "pretraining"),
    Term("optimizer", "The rule that turns gradients into changes of the weights, such as AdamW or Muon.", "pretraining", ("optimizers",)),
    Term("overfitting", "Learning the training examples by heart: their loss falls on while that of new text rises.", "pretraining"),
    Term("parameter", "A number of a model that training changes; weights and biases.", "transformer", ("parameters",)),
    Term("perplexity", "e to the power of the loss: among how many equally likely tokens the model is undecided, so to speak.", "evaluation"),
    Term("positional encoding", "What tells a model where a token stands, since attention alone sees a set and not a row.", "embeddings", ("positional encodings",)),
    Term("pretraining", "The first stage: learning from unlabelled text by next-token prediction.", "pretraining"),
    Term("prompt", "The text that a model is given to go on from.", "generation", ("prompts",)),
    Term("query, key and value", "Three vectors of each token: what it looks for, what it offers, and what it passes on.", "attention"),
    Term("recall", "Of all cases that belong to a class, the share that was found.", "classification"),
    Term("residual stream", "The vector of a token that each layer adds to, from embedding to prediction.", "transformer"),
    Term("ROUGE-L", "A score of answers from 0 to 1: the longest row of words, gaps allowed, that answer and reference share.", "instructions"),
    Term("sampling", "Drawing the next token by chance according to its probability.", "generation"),
    Term("scaling law", "How the loss falls with size, data and computing: nearly as a power of each.", "scaling", ("scaling laws",)),
    Term("seed", "The number from which the dice of a computer begin: the same seed throws the same dice.", "generation", ("seeds",)),
    Term("self-attention", "Attention of a text to itself.", "attention"),
    Term("softmax", "Turns scores into probabilities: e to the power of each, divided by their sum.", "attention"),
    Term("stride", "How far the next training window begins after the one before.", "embeddings"),
    Term("teacher forcing", "Training a decoder on the right words so far instead of those that it would have written itself.", "translation"),
    Term("temperature", "What logits are divided by before softmax: below 1 bolder, above 1 more varied.", "generation"),
    Term("token", "A piece of text with a number in the vocabulary: a word, a part of one, a byte.", "tokenization", ("tokens",)),
    Term("tokenizer", "What cuts text into tokens and joins tokens into text.", "tokenization", ("tokenizers",)),
    Term("top-k", "Sampling only among the k most probable tokens.", "generation"),
    Term("top-p", "Sampling only among the most probable tokens that together have probability p.", "generation"),
    Term("transformer", "The network of Vaswani et al. (2017): layers of attention and small feed-forward networks on a residual stream.", "transformer", ("transformers",)),
    Term("validation loss", "The loss on text that is not trained on: what counts.", "pretraining"),
    Term("vocabulary", "All tokens that a tokenizer knows, numbered.", "tokenization", ("vocabularies",)),
    Term("warmup", "The first steps of training, in which the learning rate rises from 0.", "pretraining"),
    Term("weight tying", "Using one table both to read tokens and to score the next one.", "transformer"),
    Term("zero-shot", "Asking a model for a task without any example and without training.", "foundation"),
)  # fmt: skip


@cache
def _forms() -> tuple[re.Pattern[str], dict[str, Term]]:
    by_form = {form.lower(): term for term in TERMS for form in (term.name, *term.forms)}
    longest_first = sorted(by_form, key=len, reverse=True)
    # What must not be touched (code, links, formulas, bold titles) is matched first and left as it is.
    skipped = r"`[^`]*`|\[[^\]]*\]\([^)]*\)|\$[^$]*\$|\*\*[^*]+\*\*"
    words = "|".join(re.escape(form) for form in longest_first)
    return re.compile(rf"(?P<skip>{skipped})|(?<![\w-])(?P<term>{words})(?![\w-])", re.IGNORECASE), by_form


def anchor(name: str) -> str:
    """The place of a term on the glossary page.

    >>> anchor("Query, key and value")
    'query-key-and-value'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def linked(text: str) -> str:
    """Markdown in which each term is linked to the glossary where it stands first.

    >>> linked("A loss, that loss").count("(/glossary")
    1
    """
    pattern, by_form = _forms()
    seen: set[str] = set()

    def link(match: re.Match[str]) -> str:
        if match["skip"] is not None:
            return match["skip"]
        term = by_form[match["term"].lower()]
        if term.name in seen:
            return match["term"]
        seen.add(term.name)
        meaning = term.meaning.replace('"', "&quot;").replace("<", "&lt;")
        return f'[{match["term"]}](/glossary?term={anchor(term.name)} "{meaning}")'

    return pattern.sub(link, text)
