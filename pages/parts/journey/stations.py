"""The eight stations: a journey turned into titles, sentences and what each figure draws. No Streamlit here."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

from engine.errors import EngineError
from engine.gpt import GPTConfig
from engine.journey import Glance, Journey, words_of
from engine.language import _, number
from engine.merges import has_merges, merge_trace
from engine.tokenizer import Tokenizer
from pages.parts.journey.prompt import Prompt, appended_text
from pages.parts.journey.seen import token_name
from pages.shared.charts import percent
from pages.shared.components.journey_view import packed
from pages.shared.draft import show_bytes
from pages.shared.quantities import plural

SHOWN_CHARACTERS = 72
SHOWN_VECTORS = 8  # the last tokens: more rows than that are no longer compact
SHOWN_WORDS = 24
MAX_WORD_BYTES = 48
MAX_ROWS = 9  # states of a merge that are drawn
TOP = 8
SHOWN_LAYERS = 12


def short(text: str, most: int = 24) -> str:
    """A token's text that fits its box."""
    return text if len(text) <= most else text[: most - 1] + "…"


def named(tokenizer: Tokenizer, token_id: int) -> list[Any]:
    """[id, text] of a token."""
    return [int(token_id), short(show_bytes(tokenizer.token_bytes(int(token_id))))]


def top_line(prompt: Prompt, tokenizer: Tokenizer, seen: Glance, change: str, model: str = "") -> dict[str, Any]:
    """The prompt with the likeliest next token, and the state of the model in numbers.

    `model` names one that belongs to no run: it has no steps and no loss to tell.
    """
    loss = seen.validation_loss
    state = [
        [_("Training step"), number(seen.step)],
        [_("Validation loss"), "–" if loss is None else _("{loss:.2f} nats", loss=loss)],
    ]
    return {
        "tokens": [[chip.id, chip.text] for chip in prompt.chips],
        "next": [*named(tokenizer, seen.first), float(seen.probabilities[seen.first])],
        "facts": [
            *([[_("Model"), model]] if model else state),
            [_("As unsure as among"), _("{entropy:,.1f} equal tokens", entropy=2**seen.entropy)],
            [_("Entropy"), _("{entropy:.2f} bits", entropy=seen.entropy)],
        ],
        "change": change,
    }


def stations(
    prompt: Prompt,
    journey: Journey,
    tokenizer: Tokenizer,
    config: GPTConfig,
    *,
    word: int,
    head: tuple[int, int],
    dice: float,
    drawn: int,
) -> list[dict[str, Any]]:
    """All eight, in order. `word` and `head` (layer, head) are what the learner chose, from 0, within their range."""
    return [
        _bytes(prompt),
        _merges(prompt, tokenizer, word),
        _ids(prompt, tokenizer),
        _vectors(journey, tokenizer, config),
        _head(journey, tokenizer, *head),
        _stream(journey, tokenizer),
        _logits(journey, tokenizer),
        _next(journey, tokenizer, dice, drawn),
    ]


def words_in(prompt: Prompt, tokenizer: Tokenizer) -> list[str]:
    """The words of what is read, as the tokenizer cuts them before it merges; of many the last 24."""
    return words_of(prompt.read_text, tokenizer)[-SHOWN_WORDS:]


def _bytes(prompt: Prompt) -> dict[str, Any]:
    text = prompt.read_text
    n_bytes = len(text.encode("utf-8"))
    shown = text[-SHOWN_CHARACTERS:]
    more = _(" The last {n_shown} are drawn.", n_shown=len(shown)) if len(shown) < len(text) else ""
    several = sum(len(char.encode("utf-8")) > 1 for char in text)
    reason = (
        _("each of these is one byte, because all are plain ASCII")
        if not several
        else _("{several} of them need more than one byte", several=several)
    )
    return {
        "kind": "bytes",
        "title": _("Bytes"),
        "sentence": _(
            "The prompt has {count}, which UTF-8 writes as {count_2}: {reason}.{more}",
            count=plural(len(text), "character", "characters"),
            count_2=plural(n_bytes, "byte", "bytes"),
            reason=reason,
            more=more,
        ),
        "shape": f"{plural(len(text), 'character', 'characters')} → {plural(n_bytes, 'byte', 'bytes')}",
        "lesson": "tokenization",
        "link": _("Tokenization"),
        "characters": [[_glyph(char), char.encode("utf-8").hex(" ")] for char in shown],
    }


def _glyph(char: str) -> str:
    if char == " ":
        return "␣"
    if char == "\n":
        return "↵"
    category = unicodedata.category(char)
    if category.startswith("M"):
        return "◌" + char
    if category.startswith(("C", "Z")):
        return f"U+{ord(char):04X}"
    return char


def _merges(prompt: Prompt, tokenizer: Tokenizer, word: int) -> dict[str, Any]:
    words = words_in(prompt, tokenizer)
    chosen = words[word]
    data = chosen.encode("utf-8")
    cut = data[:MAX_WORD_BYTES].decode("utf-8", "ignore")
    note = "" if cut == chosen else _(" Its first {n_cut} characters are shown.", n_cut=len(cut))
    if has_merges(tokenizer):
        rows, n_merges = _merge_rows(cut, tokenizer)
        end = plural(len(rows[-1]["tokens"]), "token", "tokens")
        n_bytes = len(cut.encode("utf-8"))
        sentence = _(
            "Neighbours are joined, the merge learned first going first: {token_text} begins as "
            "{count} and after {count_2} it is {end}.{note}",
            token_text=token_text(chosen),
            count=plural(n_bytes, "byte", "bytes"),
            count_2=plural(n_merges, "merge", "merges"),
            end=end,
            note=note,
        )
        shape = f"{plural(n_bytes, 'byte', 'bytes')} → {end}"
    else:
        what, whats = {
            "char": (_("character"), _("characters")),
            "byte": (_("byte"), _("bytes")),
        }.get(tokenizer.kind, (_("word"), _("words")))
        ids = tokenizer.encode(cut)
        rows = [
            {"name": whats, "tokens": [named(tokenizer, i) for i in ids], "made": []},
        ]
        unknown = _(" One that was not in its training text becomes <|unk|>.") if tokenizer.kind != "byte" else ""
        sentence = _(
            "This model's tokenizer merges nothing: every {what} is a token of its own.{unknown} "
            "{token_text} is {count}.{note}",
            what=what,
            unknown=unknown,
            token_text=token_text(chosen),
            count=plural(len(ids), "token", "tokens"),
            note=note,
        )
        shape = f"{plural(len(data), 'byte', 'bytes')} → {plural(len(ids), 'token', 'tokens')}"
    return {
        "kind": "merges",
        "title": _("Merges"),
        "sentence": sentence,
        "shape": shape,
        "lesson": "tokenization",
        "link": _("Tokenization"),
        "words": [short(each, 18) for each in words],
        "word": word,
        "rows": rows,
    }


def _merge_rows(word: str, tokenizer: Tokenizer) -> tuple[list[dict[str, Any]], int]:
    """The states from bytes to tokens; of many the first ones and the last."""
    try:
        states = merge_trace(tokenizer, word)
    except EngineError:
        states = []
    rows = []
    for n, state in enumerate(states):
        rows.append(
            {
                "name": _("bytes") if n == 0 else _("merge {n}", n=n),
                "tokens": [named(tokenizer, i) for i in state.ids],
                "made": list(state.made),
            }
        )
    if not rows:
        rows = [{"name": _("tokens"), "tokens": [named(tokenizer, i) for i in tokenizer.encode(word)], "made": []}]
    n_merges = len(rows) - 1
    if len(rows) > MAX_ROWS:
        head = MAX_ROWS // 2
        rows = [*rows[:head], {"name": "…", "tokens": [], "made": []}, *rows[-(MAX_ROWS - head - 1) :]]
    return rows, n_merges


def token_text(text: str) -> str:
    """A text in quotes on one line, short."""
    shown = short(text).replace("\n", "↵").replace("\t", "⇥").replace("\r", "␍").replace(" ", "␣")
    return f"“{shown}”"


def _ids(prompt: Prompt, tokenizer: Tokenizer) -> dict[str, Any]:
    n = len(prompt.chips)
    left_out = prompt.n_tokens - n
    more = (
        _(" The {left_out:,} before them are beyond what is followed here.", left_out=left_out) if left_out > 0 else ""
    )
    last = prompt.chips[-1]
    return {
        "kind": "ids",
        "title": _("Ids"),
        "sentence": _(
            "Each token is replaced by its number in the vocabulary of {n_vocab:,}: the last one, "
            "{token_text}, is {id:,}. From here on the model sees no letters.{more}",
            n_vocab=tokenizer.n_vocab,
            token_text=token_text(last.text),
            id=last.id,
            more=more,
        ),
        "shape": _("{count}, each 0 to {n_vocab:,}", count=plural(n, "id", "ids"), n_vocab=tokenizer.n_vocab - 1),
        "lesson": "tokenization",
        "link": _("Tokenization"),
        "tokens": [[chip.id, short(chip.text)] for chip in prompt.chips],
    }


def _vectors(journey: Journey, tokenizer: Tokenizer, config: GPTConfig) -> dict[str, Any]:
    n, width = journey.token_vectors.shape
    shown = min(n, SHOWN_VECTORS)
    rows: list[list[Any]] = []
    vectors = []
    positions = journey.position_vectors
    if positions is not None:
        shown = min(shown, 3)
    for place in range(n - shown, n):
        rows.append([*named(tokenizer, journey.ids[place]), ""])
        vectors.append(journey.token_vectors[place])
        if positions is not None:
            rows += [[None, _("position {place}", place=place), "+"], [None, _("their sum"), "="]]
            vectors += [positions[place], journey.token_vectors[place] + positions[place]]
    where = {
        "learned": _("A learned vector of its position is added to it."),
        "rotary": _("Its position comes later: every head turns its queries and keys by it."),
        "none": _("This model is not told any positions."),
    }[config.positions]
    cut = _(" The last {shown} tokens are drawn.", shown=shown) if shown < n else ""
    return {
        "kind": "vectors",
        "title": _("Vectors"),
        "sentence": _(
            "Every id picks its row of the embedding table, {width} numbers that were learned. {where}{cut}",
            width=width,
            where=where,
            cut=cut,
        ),
        "shape": _("({n}, {width}) numbers", n=n, width=width),
        "lesson": "embeddings",
        "link": _("Windows and embeddings"),
        "label": _("The vectors of the tokens"),
        "rows": rows,
        "matrix": packed(np.stack(vectors)),
    }


def _head(journey: Journey, tokenizer: Tokenizer, layer: int, head: int) -> dict[str, Any]:
    n_layers, n_heads, n = journey.attention.shape
    weights = journey.attention[layer, head]
    most = int(weights.argmax())
    last, read = journey.ids[-1], journey.ids[most]
    which = _("itself") if most == n - 1 else f"{token_name(tokenizer, read)}, {_back(n - 1 - most)}"
    return {
        "kind": "head",
        "title": _("One head"),
        "sentence": _(
            "Attention carries information between tokens. In layer {layer}, head {head}, the last "
            "token {token_name} reads most from {which}: {percent} of its "
            "attention.",
            layer=layer + 1,
            head=head + 1,
            token_name=token_name(tokenizer, last),
            which=which,
            percent=percent(float(weights[most])),
        ),
        "shape": _(
            "{n_layers} × {n_heads} heads, each {count} that sum to 1",
            n_layers=n_layers,
            n_heads=n_heads,
            count=plural(n, "weight", "weights"),
        ),
        "lesson": "attention",
        "link": _("Attention"),
        "focus": [[round(float(x), 4) for x in row] for row in journey.attention.max(-1)],
        "layer": layer,
        "head": head,
        "tokens": [named(tokenizer, i) for i in journey.ids],
        "weights": [round(float(weight), 5) for weight in weights],
        "most": most,
    }


def _back(n: int) -> str:
    return _("the token before") if n == 1 else _("{n} tokens back", n=n)


def _stream(journey: Journey, tokenizer: Tokenizer) -> dict[str, Any]:
    lengths, added = journey.lengths, journey.added
    n_layers, width = len(added), journey.stream.shape[1]
    rows = [{"name": _("embedding"), "attention": None, "mlp": None, "length": float(lengths[0])}]
    rows += [
        {
            "name": _("layer {layer}", layer=layer + 1),
            "attention": float(added[layer, 0]),
            "mlp": float(added[layer, 1]),
            "length": float(lengths[layer + 1]),
        }
        for layer in range(n_layers)
    ]
    layer, part = np.unravel_index(int(added.argmax()), added.shape)
    return {
        "kind": "stream",
        "title": _("Residual stream"),
        "sentence": _(
            "Layer after layer adds to the last token's vector and erases nothing: its length goes from "
            "{lengths:.1f} to {lengths_2:.1f}. The largest addition comes from the "
            "{value} of layer {value_2}.",
            lengths=lengths[0],
            lengths_2=lengths[-1],
            value=(_("attention"), _("MLP"))[int(part)],
            value_2=int(layer) + 1,
        ),
        "shape": _(
            "({n_layers} + 1, {width}) numbers for {token_name}",
            n_layers=n_layers,
            width=width,
            token_name=token_name(tokenizer, journey.ids[-1]),
        ),
        "lesson": "transformer",
        "link": _("Anatomy"),
        "label": _("The last token's vector before the first layer and after each"),
        "rows": rows,
        "most": float(max(lengths.max(), added.max())) or 1.0,
        "matrix": packed(journey.stream[::2]),
    }


def _logits(journey: Journey, tokenizer: Tokenizer) -> dict[str, Any]:
    logits = journey.logits
    order = np.argsort(-logits, kind="stable")[: TOP + 2]
    n_layers = len(journey.lens_ids) - 1
    names = [_("embedding"), *(_("layer {layer}", layer=layer) for layer in range(1, n_layers + 1))]
    lens = [
        [name, *named(tokenizer, int(i)), float(p)]
        for name, i, p in zip(names, journey.lens_ids, journey.lens_probabilities, strict=True)
    ]
    final = int(order[0])
    settled = n_layers
    while settled > 0 and int(journey.lens_ids[settled - 1]) == final:
        settled -= 1
    since = (
        _("only the last layer")
        if settled == n_layers
        else _("the embedding")
        if settled == 0
        else _("layer {settled}", settled=settled)
    )
    since = _("{since} settles it", since=since) if settled == n_layers else _("it leads from {since} on", since=since)
    return {
        "kind": "logits",
        "title": _("Logits"),
        "sentence": _(
            "The vector is compared with every token of the vocabulary, which gives each a score. "
            "{token_name} gets the highest, {logits:.2f}; {since}.",
            token_name=token_name(tokenizer, final),
            logits=logits[final],
            since=since,
        ),
        "shape": _("({n_logits:,}) logits", n_logits=len(logits)),
        "lesson": "transformer",
        "link": _("Anatomy"),
        "lens": lens,
        "top": [[*named(tokenizer, int(i)), float(logits[i])] for i in order],
        "mean": float(logits.mean()),
        "n": len(logits),
    }


def _next(journey: Journey, tokenizer: Tokenizer, dice: float, drawn: int) -> dict[str, Any]:
    probabilities = journey.probabilities
    order = [int(i) for i in np.argsort(-probabilities, kind="stable")[:TOP]]
    if drawn not in order:
        order[-1] = drawn
    special = set(tokenizer.special_tokens.values())
    rows = [
        [
            *named(tokenizer, i),
            float(probabilities[i]),
            i not in special and appended_text(tokenizer.token_bytes(i)) is not None,
        ]
        for i in order
    ]
    return {
        "kind": "next",
        "title": _("The next token"),
        "sentence": _(
            "Softmax turns the scores into probabilities that sum to 1, and dice choose: this time "
            "{token_name}, which had {percent}. Append it, and the way "
            "begins again.",
            token_name=token_name(tokenizer, drawn),
            percent=percent(float(probabilities[drawn])),
        ),
        "shape": _("({n_probabilities:,}) probabilities, 1 token", n_probabilities=len(probabilities)),
        "lesson": "generation",
        "link": _("Generation"),
        "rows": rows,
        "drawn": drawn,
        "drawnText": short(show_bytes(tokenizer.token_bytes(drawn))),
        "dice": dice,
        "n": len(probabilities),
    }
