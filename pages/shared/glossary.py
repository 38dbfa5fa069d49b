"""The terms of the course, each in a sentence or two, and how a text gets its terms linked to them.

A linked term shows its definition on hovering (the title of the link) and leads to the glossary.
"""

# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.language import N_, _, cached_by_language


@dataclass(frozen=True)
class Term:
    """A term, what it means (plain text), the lesson about it, and other forms under which texts use it."""

    name: str
    meaning: str
    lesson: str
    forms: tuple[str, ...] = ()


TERMS: tuple[Term, ...] = (
    Term(N_("ablation"), N_("Training once more with one thing left out, all else the same, to see what that thing brought."), "foundation", (N_("ablations"),)),
    Term(N_("activation"), N_("A number that a layer computes from the input, as opposed to a weight, which is learned."), "transformer", (N_("activations"),)),
    Term(N_("adapter"), N_("Small extra matrices trained in place of a model's own weights, kept in a file apart."), "instructions", (N_("adapters"),)),
    Term(N_("attention"), N_("The step in which each token collects information from other tokens, weighted by how well its query fits their keys."), "attention"),
    Term(N_("attention head"), N_("One of several attentions that run side by side in a layer, each with queries, keys and values of its own."), "attention", (N_("attention heads"),)),
    Term(N_("autoregressive"), N_("Writing one token after another, each predicted from all before it."), "generation"),
    Term(N_("back-off"), N_("In an n-gram model: using the shorter history where the longer one was never seen."), "pretraining"),
    Term(N_("base model"), N_("A model after pretraining and before fine-tuning: it continues text, it does not yet answer."), "foundation", (N_("base models"),)),
    Term(N_("batch"), N_("The examples whose gradients are averaged into one step of training."), "pretraining", (N_("batches"),)),
    Term(N_("beam search"), N_("Decoding that keeps several unfinished texts and goes on with the most probable ones."), "translation"),
    Term(N_("bits per byte"), N_("The loss as bits for each byte of text; it can be compared between tokenizers."), "evaluation"),
    Term(N_("BLEU"), N_("A score of translations from 0 to 100: how many runs of one to four words they share with the reference."), "translation"),
    Term(N_("BPE"), N_("Byte pair encoding: a vocabulary learned by merging the most frequent pair of neighbouring tokens again and again."), "tokenization", (N_("byte pair encoding"),)),
    Term(N_("calibration"), N_("Whether what is said with 80 % probability is right in 80 % of cases."), "classification"),
    Term(N_("causal mask"), N_("What hides later tokens from earlier ones, so that a model cannot look at the answer."), "attention"),
    Term(N_("checkpoint"), N_("The state of a model saved at some step of its training."), "pretraining", (N_("checkpoints"),)),
    Term(N_("confusion matrix"), N_("A table that counts how many texts of each class were called each class."), "classification"),
    Term(N_("context length"), N_("How many tokens a model can look at together."), "embeddings"),
    Term(N_("cross-attention"), N_("Attention of one text to another: queries from what is being written, keys and values from what is read."), "translation"),
    Term(N_("cross-entropy"), N_("The mean of −ln p over the right answers: how surprised a model is by what really came."), "evaluation"),
    Term(N_("decoder"), N_("A transformer that reads from left to right and writes the next token, such as GPT."), "translation", (N_("decoders"),)),
    Term(N_("embedding"), N_("The vector of numbers that stands for a token (or a position) inside a model."), "embeddings", (N_("embeddings"),)),
    Term(N_("encoder"), N_("A transformer in which each token sees all others, left and right, such as BERT."), "translation", (N_("encoders"),)),
    Term(N_("end-of-text token"), N_("A token without text that tells the model where a document or an answer ends."), "tokenization", (N_("end-of-text tokens"),)),
    Term(N_("epoch"), N_("One pass over all the training examples."), "instructions", (N_("epochs"),)),
    Term(N_("exact match"), N_("The share of answers that agree with the reference word for word."), "instructions", (N_("exact matches"),)),
    Term(N_("few-shot"), N_("Showing a model some solved examples in its prompt, without training it."), "foundation"),
    Term(N_("fine-tuning"), N_("Training a pretrained model further, on fewer and labelled examples of one task."), "instructions"),
    Term(N_("FLOPs"), N_("Floating-point operations, the unit of computing; training takes about 6 per parameter and token."), "scaling"),
    Term(N_("foundation model"), N_("A model pretrained on broad text from which many others are made."), "foundation"),
    Term(N_("gradient"), N_("For each weight, how the loss would change if the weight grew a little: the direction of learning."), "pretraining", (N_("gradients"),)),
    Term(N_("greedy decoding"), N_("Writing by always taking the most probable next token."), "translation"),
    Term(N_("hallucination"), N_("A fluent answer that is not true, given with the same ease as a true one."), "instructions", (N_("hallucinations"),)),
    Term(N_("hyperparameter"), N_("A setting that is chosen and not learned, such as the learning rate."), "pretraining", (N_("hyperparameters"),)),
    Term(N_("KV cache"), N_("Keys and values of earlier tokens, kept while writing so that they are not computed again."), "generation"),
    Term(N_("label"), N_("The right answer to an example, given by people, that fine-tuning learns from."), "classification", (N_("labels"),)),
    Term(N_("layer normalisation"), N_("Bringing a token's vector to mean 0 and length 1 times a learned scale before a step reads it."), "transformer", (N_("layer norm"),)),
    Term(N_("learning rate"), N_("How far a step of training moves the weights."), "pretraining", (N_("learning rates"),)),
    Term(N_("logit"), N_("A score before softmax; any number, higher means more probable."), "generation", (N_("logits"),)),
    Term(N_("logit lens"), N_("Reading the residual stream after each layer with the final norm and head, to see the prediction form."), "transformer"),
    Term(N_("LoRA"), N_("Low-rank adaptation: the update of a matrix is learned as the product of two thin ones."), "instructions"),
    Term(N_("loss"), N_("The number that training makes smaller; here the cross-entropy of the next token."), "pretraining", (N_("losses"),)),
    Term(N_("MLP"), N_("The small network in each layer that works on each token by itself: a wide matrix, a bend, a matrix back."), "transformer", (N_("MLPs"), N_("feed-forward network"), N_("feed-forward networks"))),
    Term(N_("multi-head attention"), N_("Several attention heads side by side, their results joined."), "attention"),
    Term(N_("n-gram"), N_("A row of n neighbouring tokens; n-gram models predict from counts of them."), "pretraining", (N_("n-grams"),)),
    Term(N_("near-duplicate"), N_("A passage that is nearly the same as another one, but for a few words."), "data", (N_("near-duplicates"),)),
    Term(N_("next-token prediction"), N_("The task of pretraining: guess the token that comes next, at every place of a text."), "pretraining"),
    Term(N_("optimizer"), N_("The rule that turns gradients into changes of the weights, such as AdamW or Muon."), "pretraining", (N_("optimizers"),)),
    Term(N_("overfitting"), N_("Learning the training examples by heart: their loss falls on while that of new text rises."), "pretraining"),
    Term(N_("parameter"), N_("A number of a model that training changes; weights and biases."), "transformer", (N_("parameters"),)),
    Term(N_("perplexity"), N_("e to the power of the loss: among how many equally likely tokens the model is undecided, so to speak."), "evaluation"),
    Term(N_("positional encoding"), N_("What tells a model where a token stands, since attention alone sees a set and not a row."), "embeddings", (N_("positional encodings"),)),
    Term(N_("pretraining"), N_("The first stage: learning from unlabelled text by next-token prediction."), "pretraining"),
    Term(N_("prompt"), N_("The text that a model is given to go on from."), "generation", (N_("prompts"),)),
    Term(N_("query, key and value"), N_("Three vectors of each token: what it looks for, what it offers, and what it passes on."), "attention"),
    Term(N_("recall"), N_("Of all cases that belong to a class, the share that was found."), "classification"),
    Term(N_("residual stream"), N_("The vector of a token that each layer adds to, from embedding to prediction."), "transformer"),
    Term(N_("ROUGE-L"), N_("A score of answers from 0 to 1: the longest row of words, gaps allowed, that answer and reference share."), "instructions"),
    Term(N_("sampling"), N_("Drawing the next token by chance according to its probability."), "generation"),
    Term(N_("scaling law"), N_("How the loss falls with size, data and computing: nearly as a power of each."), "scaling", (N_("scaling laws"),)),
    Term(N_("seed"), N_("The number from which the dice of a computer begin: the same seed throws the same dice."), "generation", (N_("seeds"),)),
    Term(N_("self-attention"), N_("Attention of a text to itself."), "attention"),
    Term(N_("softmax"), N_("Turns scores into probabilities: e to the power of each, divided by their sum."), "attention"),
    Term(N_("stride"), N_("How far the next training window begins after the one before."), "embeddings"),
    Term(N_("teacher forcing"), N_("Training a decoder on the right words so far instead of those that it would have written itself."), "translation"),
    Term(N_("temperature"), N_("What logits are divided by before softmax: below 1 bolder, above 1 more varied."), "generation"),
    Term(N_("token"), N_("A piece of text with a number in the vocabulary: a word, a part of one, a byte."), "tokenization", (N_("tokens"),)),
    Term(N_("tokenizer"), N_("What cuts text into tokens and joins tokens into text."), "tokenization", (N_("tokenizers"),)),
    Term(N_("top-k"), N_("Sampling only among the k most probable tokens."), "generation"),
    Term(N_("top-p"), N_("Sampling only among the most probable tokens that together have probability p."), "generation"),
    Term(N_("transformer"), N_("The network of Vaswani et al. (2017): layers of attention and small feed-forward networks on a residual stream."), "transformer", (N_("transformers"),)),
    Term(N_("validation loss"), N_("The loss on text that is not trained on: what counts."), "pretraining"),
    Term(N_("vocabulary"), N_("All tokens that a tokenizer knows, numbered."), "tokenization", (N_("vocabularies"),)),
    Term(N_("warmup"), N_("The first steps of training, in which the learning rate rises from 0."), "pretraining"),
    Term(N_("weight tying"), N_("Using one table both to read tokens and to score the next one."), "transformer"),
    Term(N_("zero-shot"), N_("Asking a model for a task without any example and without training."), "foundation"),
)  # fmt: skip


@cached_by_language()
def _forms() -> tuple[re.Pattern[str], dict[str, Term]]:
    by_form = {_(form).lower(): term for term in TERMS for form in (term.name, *term.forms)}
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
    text = str(text)
    pattern, by_form = _forms()
    seen: set[str] = set()

    def link(match: re.Match[str]) -> str:
        if match["skip"] is not None:
            return match["skip"]
        term = by_form[match["term"].lower()]
        if term.name in seen:
            return match["term"]
        seen.add(term.name)
        meaning = _(term.meaning).replace('"', "&quot;").replace("<", "&lt;")
        return f'[{match["term"]}](/glossary?term={anchor(term.name)} "{meaning}")'

    return pattern.sub(link, text)
