"""Token ids as vectors: a table with a row for each token, and ways to look at the space in which the rows lie.

Looking up row i is the same as multiplying a one-hot vector by the table, without the multiplications. Training moves
the rows: tokens that occur in like company end up in like directions (Mikolov et al. 2013), which cosines measure.
For pictures the d numbers of a row are reduced to two or three, by PCA (Pearson 1901) or t-SNE (van der Maaten and
Hinton 2008), and pictures of several checkpoints are laid over each other by a rotation (Procrustes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import ConfigError
from engine.gpt import GPT
from engine.language import N_
from engine.stories_lexicon import ANIMAL_NAMES, BOYS, FEELINGS_BAD, FEELINGS_GOOD, GIRLS, HABITATS, JOBS, PLACES

TSNE_STEPS = 500
_NOT_WORDS = (N_("end of text or space"), N_("number"), N_("mark"))
FORMS = (N_("word"), N_("Capitalised word"), N_("piece of a word"), *_NOT_WORDS)
FAMILIES = (N_("animal"), N_("name"), N_("place"), N_("feeling"), N_("job"), N_("other"))


def token_vectors(model: GPT) -> np.ndarray:
    """The model's token embedding W, (V, d) float32; row i is the vector of token i. A read-only view."""
    return _read_only(model.token_embedding.weight.detach().float().numpy())


def token_directions(model: GPT, ids: Sequence[int] | np.ndarray) -> np.ndarray:
    """Where the vectors of some tokens point, their lengths left out: (n,) -> (n, d), rows of length 1."""
    return unit_rows(look_up(token_vectors(model), ids))


def position_vectors(model: GPT) -> np.ndarray | None:
    """The learned position embedding, (context_length, d) float32; None where positions are rotary or absent."""
    if model.position_embedding is None:
        return None
    return _read_only(model.position_embedding.weight.detach().float().numpy())


def look_up(weights: np.ndarray, ids: Sequence[int] | np.ndarray) -> np.ndarray:
    """The rows of the ids: (T,) -> (T, d). No arithmetic at all. ConfigError for an id that has no row."""
    return weights[_checked(weights, ids)]


def one_hot(ids: Sequence[int] | np.ndarray, vocab_size: int) -> np.ndarray:
    """A row of zeros with a single 1, at the id: (T,) -> (T, V) float32. ConfigError for an id outside 0 to V − 1.

    >>> one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    checked = _checked(np.empty((vocab_size, 0)), ids)
    rows = np.zeros((len(checked), vocab_size), dtype=np.float32)
    rows[np.arange(len(checked)), checked] = 1
    return rows


def look_up_by_product(weights: np.ndarray, ids: Sequence[int] | np.ndarray) -> np.ndarray:
    """The same rows as `look_up`, the long way: one-hot (T, V) times W (V, d), which is T · V · d multiplications."""
    return one_hot(ids, len(weights)) @ weights


@dataclass(frozen=True)
class Neighbour:
    """A token near another one; `cosine` lies between −1 (opposite) and 1 (same direction)."""

    token_id: int
    cosine: float


def cosines(weights: np.ndarray, token_id: int) -> np.ndarray:
    """The cosine of the angle between one token's vector and every token's, (V,); 0 where a vector has no length."""
    (checked,) = _checked(weights, [token_id])
    lengths = np.linalg.norm(weights, axis=1)
    products = weights @ weights[checked]
    scale = lengths * lengths[checked]
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)


def neighbours(
    weights: np.ndarray, token_id: int, k: int = 10, *, among: Sequence[int] | np.ndarray | None = None
) -> list[Neighbour]:
    """The k tokens whose vectors point most nearly where this one's does, the nearest first, without itself.

    `among` limits the search to some ids. ConfigError for an unknown id.
    """
    measured = cosines(weights, token_id)
    candidates = np.arange(len(weights)) if among is None else _checked(weights, among)
    candidates = candidates[candidates != token_id]
    order = np.argsort(-measured[candidates], kind="stable")[: max(k, 0)]
    return [Neighbour(int(i), float(measured[i])) for i in candidates[order]]


def same_kind_nearby(vectors: np.ndarray, kinds: np.ndarray, k: int) -> np.ndarray:
    """For each vector (n, d), the share of its k nearest by cosine that are of its own kind: (n,), 0 to 1.

    `kinds` (n,) holds a number for each. ConfigError unless 1 ≤ k < n.
    """
    n = len(vectors)
    if not 1 <= k < n:
        raise ConfigError(f"{n} vectors do not have {k} neighbours each: ask for fewer.")
    directions = unit_rows(vectors)
    alike = directions @ directions.T
    np.fill_diagonal(alike, -np.inf)
    nearest = np.argpartition(-alike, k - 1, axis=1)[:, :k]
    return (kinds[nearest] == kinds[:, None]).mean(axis=1)


@dataclass(frozen=True)
class Projection:
    """Directions found by `fit_pca`: `mean` (d,), `axes` (k, d) of length 1, and the share of the variance of each."""

    mean: np.ndarray
    axes: np.ndarray
    explained: np.ndarray

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """The coordinates of vectors along the axes: (n, d) -> (n, k)."""
        return (vectors - self.mean) @ self.axes.T

    def variance_share(self, vectors: np.ndarray) -> float:
        """How much of the variance of these vectors their coordinates keep, 0 to 1."""
        total = float(vectors.var(axis=0).sum())
        return float(self.project(vectors).var(axis=0).sum()) / total if total > 0 else 0.0


def fit_pca(vectors: np.ndarray, n_axes: int) -> Projection:
    """The `n_axes` directions in which vectors (n, d) differ most, by a singular value decomposition (Pearson 1901).

    Each axis is turned so that its largest component is positive. ConfigError where there are not so many directions.
    """
    n, width = vectors.shape
    if not 1 <= n_axes <= min(n - 1, width):
        raise ConfigError(f"{n} vectors of {width} numbers do not have {n_axes} directions: ask for fewer.")
    mean = vectors.mean(axis=0)
    _, sizes, directions = np.linalg.svd(vectors - mean, full_matrices=False)
    axes = directions[:n_axes]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(n_axes), largest])[:, None]
    variance = sizes**2
    return Projection(mean, axes, variance[:n_axes] / max(float(variance.sum()), 1e-30))


def project_into(frame: np.ndarray, vectors: np.ndarray, n_axes: int) -> tuple[np.ndarray, float]:
    """Vectors (n, d) on the axes along which those of `frame` (m, d) differ most: (n, n_axes), and the share kept.

    For a series of maps: with one checkpoint as the frame of all of them the points move and the axes do not. The
    share is that of the variance of `vectors`, 0 to 1. ConfigError where the frame has not so many directions.
    """
    projection = fit_pca(frame, n_axes)
    return projection.project(vectors), projection.variance_share(vectors)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 in the same directions; a vector of zeros stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def tsne(vectors: np.ndarray, n_dims: int, *, seed: int = 0, start: np.ndarray | None = None) -> np.ndarray:
    """A map (n, n_dims) that keeps near vectors near and says little of large distances: t-SNE on cosines.

    It is scikit-learn's, with perplexity 20 (less for few vectors), from the PCA or from the given `start`
    (n, n_dims). ConfigError for fewer than 5 vectors.
    """
    if len(vectors) < 5:
        raise ConfigError(f"{len(vectors)} vectors are too few for a map: choose at least 5.")
    from sklearn.manifold import TSNE  # here: the import takes a second

    directions = unit_rows(vectors)
    if start is None:
        start = fit_pca(directions, n_dims).project(directions)
    spread = max(float(start[:, 0].std()), 1e-12)
    model = TSNE(
        n_dims,
        perplexity=min(20, (len(vectors) - 1) / 3),
        init=(start / spread * 1e-4).astype(np.float32),
        max_iter=TSNE_STEPS,
        random_state=seed,
        n_jobs=1,
    )
    return model.fit_transform(directions.astype(np.float32))


def align(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Points (n, k) turned, mirrored and moved as a whole until they lie as near to `reference` as they can.

    Distances between points stay what they are (orthogonal Procrustes, Schönemann 1966). ConfigError where the
    shapes differ.
    """
    if points.shape != reference.shape:
        raise ConfigError(f"points {points.shape} and reference {reference.shape} must have the same shape.")
    centred = points - points.mean(axis=0)
    centre = reference.mean(axis=0)
    left, _, right = np.linalg.svd(centred.T @ (reference - centre))
    return centred @ (left @ right) + centre


def token_counts(ids: np.ndarray, vocab_size: int) -> np.ndarray:
    """How often each token occurs in a text: (V,) int64."""
    return np.bincount(np.asarray(ids, dtype=np.int64), minlength=vocab_size)


def form_of(text: str) -> str:
    """Which of `FORMS` a token's text has, by its characters alone.

    >>> form_of(" lion"), form_of("Tom"), form_of("ing"), form_of("."), form_of("42")
    ('word', 'Capitalised word', 'piece of a word', 'mark', 'number')
    """
    bare = text.strip()
    if not bare or (text.startswith("<|") and text.endswith("|>")):
        return "end of text or space"
    if bare.isnumeric():
        return "number"
    if not any(each.isalpha() for each in bare):
        return "mark"
    if bare[0].isupper():
        return "Capitalised word"
    return "word" if text[0].isspace() else "piece of a word"


def family_of(text: str) -> str:
    """Which of `FAMILIES` a token's word belongs to, by the word lists from which the stories are written.

    >>> family_of(" lion"), family_of("Anna"), family_of(" the")
    ('animal', 'name', 'other')
    """
    return _FAMILY_OF.get(text.strip(), "other")


_FAMILY_OF = {
    **dict.fromkeys((*GIRLS, *BOYS, *ANIMAL_NAMES), "name"),
    **dict.fromkeys(JOBS, "job"),
    **dict.fromkeys((*FEELINGS_GOOD, *FEELINGS_BAD), "feeling"),
    **dict.fromkeys((*PLACES, "cave", "kitchen", "barn", "house", "yard", "stable", "sky"), "place"),
    **dict.fromkeys(HABITATS, "animal"),
}


def _checked(weights: np.ndarray, ids: Sequence[int] | np.ndarray) -> np.ndarray:
    checked = np.asarray(ids, dtype=np.int64).reshape(-1)
    wrong = checked[(checked < 0) | (checked >= len(weights))]
    if len(wrong):
        raise ConfigError(f"there is no token with id {wrong[0]}: the table has rows 0 to {len(weights) - 1}.")
    return checked


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
