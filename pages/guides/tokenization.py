"""The guide of Tokenization."""

from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "word",
            "Find a long word of one token",
            "Type nothing but one word of 10 letters or more that is a single token. Common words are one, rare ones "
            "are not.",
            part="Text to tokens",
            check=lambda: text_checks.one_token_word(),
        ),
        Step(
            "more",
            "Need more tokens than characters",
            "Type a text that is cut into more tokens than it has characters. Think of what a byte cannot hold.",
            part="Text to tokens",
            check=lambda: text_checks.more_tokens_than_characters(),
        ),
        Step(
            "tax",
            "Compare languages",
            "See how many tokens the same sentence takes in several languages, and how much newer tokenizers help.",
            part="Language tax",
        ),
        Step(
            "merges",
            "Guess the next merge",
            "Take the text of one line and guess which pair BPE joins next, at least three times.",
            part="Learn BPE",
        ),
        Step(
            "inside",
            "Take a token apart",
            "Choose a long token and follow its merges down to bytes. Which halves would you not have expected?",
            part="Inside a token",
        ),
        Step(
            "size",
            "Choose a vocabulary",
            "Compare small and large vocabularies: what gets shorter, and what gets larger?",
            part="Vocabulary trade-off",
        ),
    ),
    questions=(
        Question(
            "merge",
            "Which pair does BPE merge next while it is trained?",
            (
                "The pair with the longest text.",
                "The pair whose text makes a word that stands in the dictionary.",
                "The two neighbouring tokens that occur together most often.",
            ),
            2,
            (
                "Length plays no part: the first merges are pairs of letters.",
                "It knows no dictionary. Words appear because their letters are often neighbours.",
                "It counts pairs, merges the most frequent one, and counts again.",
            ),
        ),
        Question(
            "unknown",
            "A byte-level BPE such as GPT-2's meets a word that it has never seen. What does it do?",
            (
                "It writes one token that stands for all unknown words.",
                "It cuts it into smaller pieces that it knows.",
                "It adds the word to its vocabulary.",
            ),
            1,
            (
                "Vocabularies of whole words need such a token; here the 256 bytes are all in the vocabulary.",
                "Single bytes if need be: so every text can be cut, and the cut can be undone without loss.",
                "The vocabulary is closed: each token has a row in the model's table.",
            ),
        ),
        Question(
            "space",
            "Do “ lion” with a space in front and “lion” without one have the same id in GPT-2?",
            (
                "No: they are two different tokens.",
                "Yes: spaces are left out before the text is cut.",
                "Yes: both mean the same animal.",
            ),
            0,
            (
                "The space belongs to the token, which has an id of its own. That they mean the same must be learned "
                "from text.",
                "Nothing is left out, or the text could not be put together again.",
                "Tokens are cut by frequency, not by meaning.",
            ),
        ),
        Question(
            "large",
            "What does a larger vocabulary cost?",
            (
                "Longer texts: each of them needs more tokens.",
                "A larger table of embeddings.",
                "Nothing: larger is always better.",
            ),
            1,
            (
                "Texts get shorter with it, that is its use.",
                "Each token needs a vector, and the rarer it is, the fewer examples it has to learn from.",
                "In a small model the table soon is most of the model.",
            ),
        ),
    ),
)
