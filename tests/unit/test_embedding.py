"""Vectors of tokens, against numpy, scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from engine import embedding
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, Trace

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(60, 12)).astype(np.float32)


def small(positions: str = "learned") -> GPT:
    return GPT(GPTConfig(40, 8, 1, 2, 16, positions=positions))


def test_the_look_up_is_what_the_model_begins_with():
    import torch

    model, trace = small("rotary"), Trace()
    ids = [3, 1, 4, 1, 5]
    model(torch.tensor([ids]), trace=trace)
    np.testing.assert_array_equal(embedding.look_up(embedding.token_vectors(model), ids), trace.embedding[0].numpy())


def test_token_plus_position_is_what_a_model_with_learned_positions_begins_with():
    import torch

    model, trace = small(), Trace()
    ids = [3, 1, 4, 1, 5]
    model(torch.tensor([ids]), trace=trace)
    tokens, places = embedding.token_vectors(model), embedding.position_vectors(model)
    np.testing.assert_array_equal(embedding.look_up(tokens, ids) + places[:5], trace.embedding[0].numpy())
    assert embedding.position_vectors(small("rotary")) is None


@given(st.lists(st.integers(0, 59), max_size=20))
def test_one_hot_times_the_table_gives_the_same_numbers_to_the_bit(ids):
    np.testing.assert_array_equal(embedding.look_up(WEIGHTS, ids), embedding.look_up_by_product(WEIGHTS, ids))


@pytest.mark.parametrize("wrong", [-1, 60])
def test_an_id_without_a_row_is_named(wrong):
    for ask in (embedding.look_up, embedding.look_up_by_product):
        with pytest.raises(ConfigError, match=f"id {wrong}: the table has rows 0 to 59"):
            ask(WEIGHTS, [0, wrong])
    with pytest.raises(ConfigError, match=f"id {wrong}"):
        embedding.neighbours(WEIGHTS, wrong)


def test_the_weights_handed_out_cannot_be_changed_by_mistake():
    with pytest.raises(ValueError, match="read-only"):
        embedding.token_vectors(small())[0] = 0


def test_neighbours_are_those_of_scikit_learn():
    search = NearestNeighbors(n_neighbors=11, metric="cosine").fit(WEIGHTS)
    for token_id in range(len(WEIGHTS)):
        distances, ids = search.kneighbors(WEIGHTS[token_id : token_id + 1])
        found = embedding.neighbours(WEIGHTS, token_id, 10)
        assert [each.token_id for each in found] == ids[0][1:].tolist()
        np.testing.assert_allclose([each.cosine for each in found], 1 - distances[0][1:], atol=1e-6)


def test_neighbours_can_be_limited_and_a_vector_of_zeros_is_near_nothing():
    weights = np.vstack([np.zeros(12, np.float32), WEIGHTS])
    assert {each.token_id for each in embedding.neighbours(weights, 5, 10, among=[1, 5, 9])} == {1, 9}
    assert [each.cosine for each in embedding.neighbours(weights, 0, 3)] == [0, 0, 0]
    assert embedding.neighbours(weights, 5, 0) == []


def test_how_kinds_gather_is_counted_over_the_neighbours_of_scikit_learn():
    kinds = RNG.integers(0, 3, len(WEIGHTS))
    search = NearestNeighbors(n_neighbors=5, metric="cosine").fit(WEIGHTS)
    nearest = search.kneighbors(return_distance=False)  # without the point itself
    expected = (kinds[nearest] == kinds[:, None]).mean(axis=1)
    np.testing.assert_allclose(embedding.same_kind_nearby(WEIGHTS, kinds, 5), expected)
    with pytest.raises(ConfigError, match="60 vectors do not have 60 neighbours"):
        embedding.same_kind_nearby(WEIGHTS, kinds, 60)


def test_pca_is_that_of_scikit_learn_but_for_the_sign_of_axes():
    oracle = PCA(3, svd_solver="full").fit(WEIGHTS)
    ours = embedding.fit_pca(WEIGHTS, 3)
    np.testing.assert_allclose(ours.explained, oracle.explained_variance_ratio_, rtol=1e-5)
    np.testing.assert_allclose(np.abs(ours.project(WEIGHTS)), np.abs(oracle.transform(WEIGHTS)), atol=1e-4)
    assert ours.variance_share(WEIGHTS) == pytest.approx(oracle.explained_variance_ratio_.sum(), rel=1e-4)


def test_pca_does_not_depend_on_the_sign_that_the_decomposition_happens_to_take():
    axes = embedding.fit_pca(WEIGHTS, 3).axes
    assert (axes[np.arange(3), np.abs(axes).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-5)


def test_a_later_cloud_lies_on_the_axes_of_the_frame():
    model, ids = small(), [5, 3, 8, 1, 30]
    directions = embedding.token_directions(model, ids)
    np.testing.assert_allclose((directions**2).sum(axis=1), 1, rtol=1e-5)
    moved = WEIGHTS + RNG.normal(size=WEIGHTS.shape)
    points, share = embedding.project_into(WEIGHTS, moved, 2)
    oracle = PCA(2).fit(WEIGHTS)
    np.testing.assert_allclose(np.abs(points), np.abs(oracle.transform(moved)), atol=1e-4)
    assert share == pytest.approx(oracle.transform(moved).var(axis=0).sum() / moved.var(axis=0).sum(), rel=1e-4)


def test_more_directions_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="2 vectors of 12 numbers do not have 2 directions"):
        embedding.fit_pca(WEIGHTS[:2], 2)


def test_equal_vectors_have_no_variance_and_no_division_by_zero():
    same = np.ones((6, 4), np.float32)
    found = embedding.fit_pca(same, 2)
    assert found.explained.tolist() == [0, 0]
    assert found.variance_share(same) == 0


def test_a_turned_mirrored_and_moved_cloud_is_laid_back_upon_itself():
    points = RNG.normal(size=(30, 3))
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    moved = points @ turn * [1, 1, 1] + 5
    np.testing.assert_allclose(embedding.align(moved, points), points, atol=1e-9)


def test_alignment_is_the_procrustes_of_scipy_without_its_scaling():
    one, other = RNG.normal(size=(2, 30, 2))
    ours = embedding.align(other, one)
    standard, fitted, _ = procrustes(one, other)
    centred = ours - ours.mean(axis=0)
    np.testing.assert_allclose(centred / np.linalg.norm(centred), fitted / np.linalg.norm(fitted), atol=1e-9)
    assert standard.shape == one.shape
    distance = np.linalg.norm(ours[0] - ours[1])
    assert distance == pytest.approx(np.linalg.norm(other[0] - other[1]))
    with pytest.raises(ConfigError, match="same shape"):
        embedding.align(one, one[:5])


def test_tsne_keeps_three_clusters_apart_and_repeats_itself():
    centres = np.eye(3, 12) * 5
    vectors = np.concatenate([centre + RNG.normal(scale=0.2, size=(15, 12)) for centre in centres])
    points = embedding.tsne(vectors, 2)
    np.testing.assert_array_equal(points, embedding.tsne(vectors, 2))
    nearest = NearestNeighbors(n_neighbors=6).fit(points).kneighbors(points, return_distance=False)
    assert (nearest // 15 == np.arange(45)[:, None] // 15).all()
    assert embedding.tsne(vectors, 2, start=points).shape == (45, 2)
    with pytest.raises(ConfigError, match="at least 5"):
        embedding.tsne(vectors[:4], 2)


def test_counts_are_how_often_each_token_occurs():
    assert embedding.token_counts(np.array([1, 1, 3]), 5).tolist() == [0, 2, 0, 1, 0]
    assert embedding.token_counts(np.array([], dtype=np.int64), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (" the", "word"),
        (" Anna", "Capitalised word"),
        ("The", "Capitalised word"),
        ("ing", "piece of a word"),
        ('."', "mark"),
        (" 1914", "number"),
        ("\n", "end of text or space"),
        ("", "end of text or space"),
        ("<|endoftext|>", "end of text or space"),
        ("\ufffd", "mark"),
        (" été", "word"),
    ],
)
def test_the_form_of_a_token_follows_from_its_characters(text, form):
    assert embedding.form_of(text) == form
    assert form in embedding.FORMS


@given(st.text(max_size=12))
def test_every_text_has_a_form_and_a_family(text):
    assert embedding.form_of(text) in embedding.FORMS
    assert embedding.family_of(text) in embedding.FAMILIES


def test_families_are_those_of_the_stories():
    texts = (" lion", "Mia", " forest", " gloomy", " baker", " was")
    assert [embedding.family_of(t) for t in texts] == ["animal", "name", "place", "feeling", "job", "other"]
