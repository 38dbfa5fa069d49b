"""Writes a tokenizer as the files that `tiktoken` and Hugging Face `tokenizers` read, with the same ids.

tiktoken's file is the bare ranks: one token a line, its bytes in base64 and its id; the split pattern and the special
tokens are given beside it in code. Hugging Face's `tokenizer.json` holds everything: pattern, vocabulary, merges and
special tokens; it writes bytes as GPT-2 did, each as one printable character.

Only a tokenizer made of bytes and merges fits these files. Neither library is needed to write them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from engine.bpe import GPT2_PATTERN, N_BYTES
from engine.errors import TokenizerError
from engine.merges import merges_of, ranks_of
from engine.tokenizer import BPETokenizer, ByteTokenizer, OfficialTokenizer, Tokenizer


def can_export(tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer is made of bytes and merges, which is all that the two formats know."""
    return isinstance(tokenizer, (BPETokenizer, ByteTokenizer, OfficialTokenizer))


def tiktoken_ranks(tokenizer: Tokenizer) -> bytes:
    """The file that `tiktoken.load.load_tiktoken_bpe` reads: "base64-of-the-bytes id", a line for each token.

    Special tokens are not in it; `tiktoken_code` says how to add them. Raises TokenizerError for a tokenizer of
    characters or words, whose tokens are no ranks of bytes.
    """
    lines = [base64.b64encode(token) + b" %d\n" % token_id for token_id, token in ordinary_tokens(tokenizer)]
    return b"".join(lines)


def tiktoken_code(tokenizer: Tokenizer, file_name: str) -> str:
    """Python code that makes a `tiktoken.Encoding` of the file, with the same ids for every text.

    The hash makes tiktoken read the file itself and not an older one of this name that it remembers.
    """
    checksum = hashlib.sha256(tiktoken_ranks(tokenizer)).hexdigest()
    return f"""import tiktoken
from tiktoken.load import load_tiktoken_bpe

encoding = tiktoken.Encoding(
    "mine",
    pat_str={_literal(split_pattern(tokenizer))},
    mergeable_ranks=load_tiktoken_bpe(
        {file_name!r},
        expected_hash="{checksum}",
    ),
    special_tokens={tokenizer.special_tokens!r},
)
print(encoding.encode("The lion is in the forest."))
"""


def _literal(pattern: str) -> str:
    """A pattern as Python source, raw where that is possible."""
    return repr(pattern) if '"' in pattern or "\n" in pattern or pattern.endswith("\\") else f'r"{pattern}"'


def huggingface_code(file_name: str) -> str:
    """Python code that loads the other file. Special tokens in a text count as such unless the last line is used."""
    return f"""from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file({file_name!r})
print(tokenizer.encode("The lion is in the forest.").ids)
tokenizer.encode_special_tokens = True  # from here on <|endoftext|> in a text is plain text
"""


def huggingface_json(tokenizer: Tokenizer) -> str:
    """The text of a `tokenizer.json` that `tokenizers.Tokenizer.from_file` reads, with the same ids.

    An official encoding's merges are recovered from its ranks, which takes up to some seconds. Raises TokenizerError
    for a tokenizer of characters or words, and for a special token that reads like an ordinary one.
    """
    names = {token_id: _printable(token) for token_id, token in ordinary_tokens(tokenizer)}
    vocabulary = {name: token_id for token_id, name in names.items()}
    for special in tokenizer.special_tokens:
        if special in vocabulary:
            raise TokenizerError(
                f"The special token {special!r} reads like the ordinary token {vocabulary[special]} in Hugging Face's "
                "alphabet, which cannot tell them apart. Choose another name for it."
            )
    merges = [] if isinstance(tokenizer, ByteTokenizer) else merges_of(tokenizer)
    values: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": token_id,
                "content": name,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for name, token_id in sorted(tokenizer.special_tokens.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": _oniguruma(split_pattern(tokenizer))},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            # Special tokens are listed here too: only so do they keep ids that others do not directly precede.
            "vocab": {**vocabulary, **tokenizer.special_tokens},
            "merges": [[names[left], names[right]] for left, right in merges],
        },
    }
    return json.dumps(values, ensure_ascii=False)


def split_pattern(tokenizer: Tokenizer) -> str:
    """The pattern that cuts a text into pieces before any merge, as tiktoken takes it."""
    if isinstance(tokenizer, (BPETokenizer, OfficialTokenizer)):
        return tokenizer.to_tiktoken()._pat_str
    return GPT2_PATTERN  # bytes are bytes, however the text is cut


def ordinary_tokens(tokenizer: Tokenizer) -> list[tuple[int, bytes]]:
    """Ids and bytes of all tokens that are not special, in the order of ids."""
    if isinstance(tokenizer, OfficialTokenizer):
        return sorted((token_id, token) for token, token_id in ranks_of(tokenizer.to_tiktoken()).items())
    if isinstance(tokenizer, BPETokenizer):
        return [(token_id, tokenizer.token_bytes(token_id)) for token_id in range(N_BYTES + len(tokenizer.merges))]
    if isinstance(tokenizer, ByteTokenizer):
        return [(value, bytes([value])) for value in range(N_BYTES)]
    raise TokenizerError(
        f"A {tokenizer.kind!r} tokenizer fits neither format: it knows no bytes and no merges, only a list of texts "
        "and <|unk|> for all others. Save it as this program's own JSON."
    )


def _oniguruma(pattern: str) -> str:
    """The same pattern for Hugging Face's regular expressions, which read two things differently.

    There `{1,3}+` repeats the whole again instead of refusing to give back (nothing follows it in the patterns here,
    so the plus may go), and `(?s:.)` leaves out line ends.
    """
    return re.sub(r"(\{\d+,\d*\})\+", r"\1", pattern).replace("(?s:.)", r"[\s\S]")


def _alphabet() -> list[str]:
    """GPT-2's printable stand-in for each byte: itself where it can be printed, else one from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(value) if value in printable else chr(next(others)) for value in range(N_BYTES)]


_ALPHABET = _alphabet()


def _printable(token: bytes) -> str:
    return "".join(map(_ALPHABET.__getitem__, token))
