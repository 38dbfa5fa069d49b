import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from engine.checkpoint import export_gpt2, load_gpt2
from engine.decoding import VectorDecoder
from engine.errors import CheckpointError, ConfigError
from engine.gpt import GPT, GPTConfig, KVCache, Trace, attention_mask, rotate, rotation_table

SMALL = GPTConfig(vocab_size=97, context_length=24, n_layers=3, n_heads=4, d_model=32)
VARIANTS = [
    {},
    {"positions": "rotary", "activation": "relu2", "bias": False},
    {"positions": "none", "activation": "gelu_tanh", "tie_embeddings": False},
    {"residual": False},
    {"norm": "none", "positions": "learned"},
]


def small(**changes) -> GPT:
    return GPT(GPTConfig(**{**SMALL.to_dict(), **changes}), seed=3).eval()


def random_ids(rows: int, length: int, vocab_size: int = 97) -> torch.Tensor:
    return torch.randint(vocab_size, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A random GPT-2 written by transformers, and the folder it wrote."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=211, n_positions=40, n_embd=48, n_layer=3, n_head=4, bos_token_id=None, eos_token_id=None
    )
    config._attn_implementation = "eager"
    model = GPT2LMHeadModel(config).eval()
    folder = tmp_path_factory.mktemp("gpt2")
    model.save_pretrained(folder)
    return model, folder


def test_weights_saved_by_transformers_give_the_same_logits(reference):
    theirs, folder = reference
    ids = random_ids(2, 40, 211)
    with torch.inference_mode():
        torch.testing.assert_close(load_gpt2(folder)(ids), theirs(ids).logits, atol=1e-5, rtol=1e-5)


def test_weights_saved_by_transformers_give_the_same_attentions(reference):
    theirs, folder = reference
    ids, trace = random_ids(2, 20, 211), Trace()
    with torch.inference_mode():
        load_gpt2(folder)(ids, trace=trace)
        expected = theirs(ids, output_attentions=True).attentions
    for layer, attention in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.attention, attention, atol=1e-6, rtol=1e-5)


def test_the_loss_ignores_minus_100_as_transformers_does(reference):
    theirs, folder = reference
    ids = random_ids(2, 20, 211)
    labels = ids.clone()
    labels[:, :7] = -100
    with torch.inference_mode():
        # transformers shifts labels itself; we are given targets that are shifted already
        ours = load_gpt2(folder).loss(ids[:, :-1], labels[:, 1:])
        torch.testing.assert_close(ours, theirs(ids, labels=labels).loss, atol=1e-5, rtol=1e-5)


def test_an_exported_model_is_the_same_model_in_transformers(tmp_path):
    ours = small(activation="gelu_tanh")
    export_gpt2(ours, tmp_path)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    ids = random_ids(2, 24)
    with torch.inference_mode():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-5, rtol=1e-5)


def test_a_model_without_gpt2s_layout_is_not_exported(tmp_path):
    with pytest.raises(CheckpointError, match="rotary"):
        export_gpt2(small(positions="rotary"), tmp_path)


def test_a_folder_that_is_no_gpt2_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(CheckpointError, match="llama"):
        load_gpt2(tmp_path)


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_trace_changes_nothing(changes):
    model, ids, trace = small(**changes), random_ids(2, 24), Trace()
    with torch.no_grad():
        plain, traced = model(ids), model(ids, trace=trace)
        read_off = model.head(model.norm(trace.layers[-1].residual))
    torch.testing.assert_close(plain, traced, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(read_off, traced, atol=1e-5, rtol=1e-5)


def test_the_traced_attention_is_softmax_of_scaled_products_of_the_traced_queries_and_keys():
    model, ids, trace = small(positions="rotary"), random_ids(1, 12), Trace()
    with torch.inference_mode():
        model(ids, trace=trace)
    for layer in trace.layers:
        y = layer.attention @ layer.v
        expected = F.scaled_dot_product_attention(layer.q, layer.k, layer.v, is_causal=True)
        torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(layer.attention.sum(-1), torch.ones(1, 4, 12), atol=1e-5, rtol=0)


@pytest.mark.parametrize("changes", VARIANTS)
def test_reading_in_chunks_with_a_cache_equals_reading_at_once(changes):
    model, ids = small(**changes), random_ids(3, 24)
    cache = KVCache(model.config, batch_size=3)
    with torch.inference_mode():
        whole = model(ids)
        pieces = [model(chunk, cache=cache) for chunk in ids.split([5, 1, 9, 1, 8], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_vector_decoder_equals_the_forward_pass(changes):
    model, ids = small(**changes), random_ids(1, 24)
    cache = KVCache(model.config)
    decoder = VectorDecoder(model, cache)
    with torch.inference_mode():
        whole = model(ids)[0]
        prefill = model(ids[:, :6], cache=cache)[0]
        rows = [decoder.read(int(i)) for i in ids[0, 6:]]
    torch.testing.assert_close(torch.cat([prefill, torch.stack(rows)]), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("changes", VARIANTS)
def test_a_changed_later_token_leaves_earlier_logits_as_they_were(changes):
    model, ids = small(**changes), random_ids(1, 24)
    changed = ids.clone()
    changed[0, 15] = (changed[0, 15] + 1) % 97
    with torch.inference_mode():
        before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :15], after[:, :15], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(before[:, 15:], after[:, 15:])


def test_without_the_causal_mask_a_later_token_changes_earlier_logits():
    model, ids = small(causal=False), random_ids(1, 24)
    changed = ids.clone()
    changed[0, 15] = (changed[0, 15] + 1) % 97
    with torch.inference_mode():
        assert not torch.allclose(model(ids)[:, :15], model(changed)[:, :15])


def test_rotary_scores_depend_on_the_distance_alone():
    cosines, sines = rotation_table(64, 16)
    q, k = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    scores = [float(rotate(q, cosines[t + 7], sines[t + 7]) @ rotate(k, cosines[t], sines[t])) for t in (0, 11, 50)]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-4)


def test_the_mask_lets_the_last_query_see_every_key():
    assert attention_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("gpt2", 124_439_808), ("gpt2-medium", 354_823_168), ("gpt2-large", 774_030_080), ("gpt2-xl", 1_557_611_200)],
)
def test_presets_have_the_published_number_of_parameters(preset, expected):
    assert GPTConfig.preset(preset).n_parameters == expected


def test_gpt3_has_175_billion_parameters():
    assert GPTConfig.preset("gpt3").n_parameters == pytest.approx(175e9, rel=0.01)


@pytest.mark.parametrize("changes", VARIANTS)
def test_the_counted_parameters_are_those_of_the_built_model(changes):
    model = small(**changes)
    assert model.config.n_parameters == model.n_parameters


def test_the_same_seed_draws_the_same_weights_and_leaves_the_global_dice_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, other = GPT(SMALL, 1), GPT(SMALL, 1), GPT(SMALL, 2)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first.blocks[0].mlp.up.weight, second.blocks[0].mlp.up.weight)
    assert not torch.equal(first.blocks[0].mlp.up.weight, other.blocks[0].mlp.up.weight)


def test_an_untrained_model_is_about_as_good_as_guessing():
    ids = random_ids(4, 25)
    with torch.inference_mode():
        loss = float(small().loss(ids[:, :-1], ids[:, 1:]))
    assert loss == pytest.approx(math.log(97), abs=0.15)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"d_model": 100, "n_heads": 3}, "multiple of n_heads"),
        ({"n_layers": 0}, "n_layers"),
        ({"vocab_size": 1.5}, "vocab_size"),
        ({"positions": "alibi"}, "positions"),
        ({"activation": "swish"}, "activation"),
        ({"dropout": 1.0}, "dropout"),
        ({"positions": "rotary", "d_model": 12, "n_heads": 4}, "even"),
        ({"embedding_std": 0.0}, "embedding_std"),
        ({"embedding_std": float("inf")}, "embedding_std"),
        ({"norm_epsilon": float("nan")}, "norm_epsilon"),
        ({"dropout": "0.1"}, "dropout"),
        ({"d_model": "32"}, "d_model"),
        ({"n_heads": True}, "n_heads"),
        ({"bias": "no"}, "bias"),
        ({"positions": ["rotary"]}, "positions"),
    ],
)
def test_shapes_that_cannot_work_are_refused_with_the_setting_named(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        GPTConfig(**{**SMALL.to_dict(), "d_ff": 0, **changes})


def test_a_config_survives_its_dict_and_names_unknown_settings():
    assert GPTConfig.from_dict(SMALL.to_dict()) == SMALL
    with pytest.raises(ConfigError, match="n_layer"):
        GPTConfig.from_dict({**SMALL.to_dict(), "n_layer": 2})
    with pytest.raises(ConfigError, match="vocab_size"):
        GPTConfig.from_dict({"n_layers": 2})


def test_a_usual_config_is_written_as_it_was_before_there_were_switches():
    assert not {"residual", "norm"} & set(SMALL.to_dict())
    odd = dataclasses.replace(SMALL, residual=False, norm="none")
    assert odd.to_dict()["residual"] is False and odd.to_dict()["norm"] == "none"
    assert GPTConfig.from_dict(odd.to_dict()) == odd


def test_more_tokens_than_the_context_are_refused():
    with pytest.raises(ConfigError, match="25 tokens"):
        small()(random_ids(1, 25))
