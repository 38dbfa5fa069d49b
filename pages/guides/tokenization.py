"""The guide of Tokenization."""

from engine.language import N_
from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "word",
            N_("Find a long word of one token"),
            N_(
                "Type nothing but one word of 10 letters or more that is a single token. Common words are one, rare "
                "ones are not."
            ),
            part=N_("Text to tokens"),
            check=lambda: text_checks.one_token_word(),
        ),
        Step(
            "more",
            N_("Need more tokens than characters"),
            N_("Type a text that is cut into more tokens than it has characters. Think of what a byte cannot hold."),
            part=N_("Text to tokens"),
            check=lambda: text_checks.more_tokens_than_characters(),
        ),
        Step(
            "tax",
            N_("Compare languages"),
            N_("See how many tokens the same sentence takes in several languages, and how much newer tokenizers help."),
            part=N_("Language tax"),
        ),
        Step(
            "merges",
            N_("Guess the next merge"),
            N_("Take the text of one line and guess which pair BPE joins next, at least three times."),
            part=N_("Learn BPE"),
        ),
        Step(
            "inside",
            N_("Take a token apart"),
            N_("Choose a long token and follow its merges down to bytes. Which halves would you not have expected?"),
            part=N_("Inside a token"),
        ),
        Step(
            "size",
            N_("Choose a vocabulary"),
            N_("Compare small and large vocabularies: what gets shorter, and what gets larger?"),
            part=N_("Vocabulary trade-off"),
        ),
    ),
    questions=(
        Question(
            "merge",
            N_("Which pair does BPE merge next while it is trained?"),
            (
                N_("The pair with the longest text."),
                N_("The pair whose text makes a word that stands in the dictionary."),
                N_("The two neighbouring tokens that occur together most often."),
            ),
            2,
            (
                N_("Length plays no part: the first merges are pairs of letters."),
                N_("It knows no dictionary. Words appear because their letters are often neighbours."),
                N_("It counts pairs, merges the most frequent one, and counts again."),
            ),
        ),
        Question(
            "unknown",
            N_("A byte-level BPE such as GPT-2's meets a word that it has never seen. What does it do?"),
            (
                N_("It writes one token that stands for all unknown words."),
                N_("It cuts it into smaller pieces that it knows."),
                N_("It adds the word to its vocabulary."),
            ),
            1,
            (
                N_("Vocabularies of whole words need such a token; here the 256 bytes are all in the vocabulary."),
                N_("Single bytes if need be: so every text can be cut, and the cut can be undone without loss."),
                N_("The vocabulary is closed: each token has a row in the model's table."),
            ),
        ),
        Question(
            "space",
            N_("Do “ lion” with a space in front and “lion” without one have the same id in GPT-2?"),
            (
                N_("No: they are two different tokens."),
                N_("Yes: spaces are left out before the text is cut."),
                N_("Yes: both mean the same animal."),
            ),
            0,
            (
                N_(
                    "The space belongs to the token, which has an id of its own. That they mean the same must be "
                    "learned from text."
                ),
                N_("Nothing is left out, or the text could not be put together again."),
                N_("Tokens are cut by frequency, not by meaning."),
            ),
        ),
        Question(
            "large",
            N_("What does a larger vocabulary cost?"),
            (
                N_("Longer texts: each of them needs more tokens."),
                N_("A larger table of embeddings."),
                N_("Nothing: larger is always better."),
            ),
            1,
            (
                N_("Texts get shorter with it, that is its use."),
                N_("Each token needs a vector, and the rarer it is, the fewer examples it has to learn from."),
                N_("In a small model the table soon is most of the model."),
            ),
        ),
    ),
)
