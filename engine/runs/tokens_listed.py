"""Every token of a tokenizer as a table, and the tokenizer as the files of other programs. Another process can be asked
for both.
"""

from __future__ import annotations

import pandas as pd

from engine.language import N_
from engine.merges import merge_number
from engine.readable import readable
from engine.runs.named_texts import TextOf, TokenizerOf
from engine.runs.tokenizers_learned import tokens_counted
from engine.tokenizer import Tokenizer
from engine.tokenizer_export import can_export, huggingface_json, ordinary_tokens, tiktoken_code, tiktoken_ranks


def tokens_listed(tokenizer: TokenizerOf, text: TextOf, with_merges: bool) -> pd.DataFrame:
    """One row for each id in use: the token as it can be read and as plain text, its length, which merge made it (where
    the tokenizer is one `with_merges`), how often it stands in a text, and its place by alphabet.

    Columns: id, bytes, count, alphabet int64; merge Int64, missing for the others; special bool; token, plain str.
    Raises TokenizerError, or CorpusError where the text is gone.
    """
    coder = tokenizer.load()
    special = set(coder.special_tokens.values())
    rows = []
    for token_id, token in _tokens(coder):
        rank = merge_number(token_id) if with_merges and token_id >= 256 and token_id not in special else None
        rows.append((token_id, readable(token), token.decode("utf-8", "replace"), len(token), rank))
    table = pd.DataFrame(rows, columns=[N_("id"), N_("token"), N_("plain"), N_("bytes"), N_("merge")])
    table["merge"] = table["merge"].astype("Int64")
    table["count"] = tokens_counted(tokenizer, text)[table["id"].to_numpy()]
    table["special"] = table["id"].isin(special)
    table["alphabet"] = table["plain"].rank(method="first").astype("int64")
    return table


def _tokens(tokenizer: Tokenizer) -> list[tuple[int, bytes]]:
    """All ids that are in use, with their bytes: official encodings leave a few out."""
    special = {token_id: name.encode("utf-8") for name, token_id in tokenizer.special_tokens.items()}
    if can_export(tokenizer):
        return sorted({**dict(ordinary_tokens(tokenizer)), **special}.items())
    return [(token_id, tokenizer.token_bytes(token_id)) for token_id in range(tokenizer.n_vocab)]


def ranks_file(tokenizer: TokenizerOf) -> bytes:
    """The file that tiktoken reads."""
    return tiktoken_ranks(tokenizer.load())


def ranks_code(tokenizer: TokenizerOf, file_name: str) -> str:
    """The code that reads it."""
    return tiktoken_code(tokenizer.load(), file_name)


def huggingface_file(tokenizer: TokenizerOf) -> bytes:
    """The file that Hugging Face's tokenizers reads."""
    return huggingface_json(tokenizer.load()).encode()
