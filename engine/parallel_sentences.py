"""One sentence in many languages, and what it costs in tokens: the "language tax" of a tokenizer.

A tokenizer learned mostly on English cuts English into few tokens and other languages into many, so that the same
meaning takes more of the context, more time and more money. Petrov et al. (2023, arXiv:2305.15425) found up to 15
times as many tokens. Sentences go in, counts come out; the sentences are the course's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import TokenizerError
from engine.language import N_, _
from engine.tokenizer import Tokenizer

# "The lion sleeps in the forest and dreams of the sea.", each as a native reader would write it.
SENTENCES: dict[str, str] = {
    N_("English"): "The lion sleeps in the forest and dreams of the sea.",
    N_("French"): "Le lion dort dans la forêt et rêve de la mer.",
    N_("German"): "Der Löwe schläft im Wald und träumt vom Meer.",
    N_("Spanish"): "El león duerme en el bosque y sueña con el mar.",
    N_("Portuguese"): "O leão dorme na floresta e sonha com o mar.",
    N_("Italian"): "Il leone dorme nella foresta e sogna il mare.",
    N_("Polish"): "Lew śpi w lesie i śni o morzu.",
    N_("Turkish"): "Aslan ormanda uyuyor ve rüyasında denizi görüyor.",
    N_("Swahili"): "Simba analala msituni na kuota kuhusu bahari.",
    N_("Vietnamese"): "Sư tử ngủ trong rừng và mơ về biển.",
    N_("Russian"): "Лев спит в лесу, и ему снится море.",
    N_("Greek"): "Το λιοντάρι κοιμάται στο δάσος και ονειρεύεται τη θάλασσα.",
    N_("Arabic"): "ينام الأسد في الغابة ويحلم بالبحر.",
    N_("Hebrew"): "האריה ישן ביער וחולם על הים.",
    N_("Hindi"): "शेर जंगल में सोता है और समुद्र के सपने देखता है।",
    N_("Thai"): "สิงโตนอนหลับอยู่ในป่าและฝันถึงทะเล",
    N_("Chinese"): "狮子在森林里睡觉，梦见大海。",
    N_("Japanese"): "ライオンは森の中で眠り、海の夢を見る。",
    N_("Korean"): "사자가 숲에서 잠을 자며 바다 꿈을 꾼다.",
    N_("Python code"): 'lion.sleep(place="forest"); lion.dream(of="sea")',
}
REFERENCE = "English"


@dataclass(frozen=True)
class LanguageCost:
    """What one sentence costs in one encoding; `times_reference` is its tokens over those of the reference."""

    language: str
    encoding: str
    n_tokens: int
    n_characters: int
    n_bytes: int
    times_reference: float


def language_costs(
    sentences: Mapping[str, str], tokenizers: Mapping[str, Tokenizer], *, reference: str | None = None
) -> list[LanguageCost]:
    """Tokens of every sentence in every encoding, in the order given.

    `reference` names the sentence that the others are measured by; the first if None. Raises TokenizerError for an
    unknown reference, a reference without a token, or a text that cannot be encoded.

    >>> from engine.tokenizer import ByteTokenizer
    >>> [cost.times_reference for cost in language_costs({"a": "sea", "b": "θάλασσα"}, {"bytes": ByteTokenizer()})]
    [1.0, 4.666666666666667]
    """
    if not sentences:
        return []
    measure = next(iter(sentences)) if reference is None else reference
    if measure not in sentences:
        raise TokenizerError(
            _(
                "There is no sentence in {measure!r} to measure by; there are {names}.",
                measure=measure,
                names=_names(sentences),
            )
        )
    costs = []
    for encoding, tokenizer in tokenizers.items():
        counts = {language: len(tokenizer.encode(text)) for language, text in sentences.items()}
        if counts[measure] == 0:
            raise TokenizerError(
                _(
                    "The sentence in {measure!r} is empty: nothing can be measured by it. Write it anew.",
                    measure=measure,
                )
            )
        costs += [
            LanguageCost(
                language,
                encoding,
                counts[language],
                len(text),
                len(text.encode("utf-8")),
                counts[language] / counts[measure],
            )
            for language, text in sentences.items()
        ]
    return costs


def _names(sentences: Iterable[str]) -> str:
    return ", ".join(repr(each) for each in sentences)
