"""The forward pass taken apart: every piece against transformers, PyTorch's own layers, or a closed form."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from engine.anatomy import (
    Operation,
    activity_by_layer,
    lens_probabilities,
    logit_lens_top,
    nonlinearity,
    norm_output,
    norm_steps,
    operation_values,
    operations,
    stream_report,
)
from engine.checkpoint import load_gpt2
from engine.errors import ConfigError
from engine.gpt import GPT, GPTConfig, Trace
from engine.inspection import logit_lens, residual_norms, trace_of

IDS = [5, 9, 2, 9, 5, 7, 1]
SHAPES = [
    GPTConfig(50, 16, 3, 4, 32, activation="gelu_tanh"),
    GPTConfig(50, 16, 2, 4, 32, positions="rotary", bias=False, tie_embeddings=False, activation="relu2"),
    GPTConfig(50, 16, 1, 1, 24, d_ff=50, positions="none"),
]


def awake(config: GPTConfig) -> GPT:
    """A model whose weights are large enough, and norms odd enough, for every mistake to show."""
    model, generator = GPT(config, seed=1), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


@pytest.fixture(scope="module", params=SHAPES, ids=lambda config: config.positions)
def traced(request):
    model = awake(request.param)
    return model, *trace_of(model, IDS)


def test_every_operation_has_its_shape_and_all_parameters_are_somewhere(traced):
    model, trace, logits = traced
    found = operations(model.config, len(IDS))
    assert sum(each.n_parameters for each in found) == model.n_parameters
    for each in found:
        values = operation_values(model.config, trace, logits, IDS, each)
        assert values.shape == each.shape, each
        assert len(each.axes) == len(each.shape)
    names = [each.kind for each in found]
    assert ("rotation" in names) == (model.config.positions == "rotary")
    assert ("position_embedding" in names) == (model.config.positions == "learned")
    assert names.count("scores") == model.config.n_layers


@pytest.mark.parametrize("preset", ["gpt2", "gpt2-xl", "gpt3"])
def test_the_operations_of_a_published_size_own_its_parameters(preset):
    config = GPTConfig.preset(preset)
    assert sum(each.n_parameters for each in operations(config, 10)) == config.n_parameters


def test_operations_follow_from_each_other_as_the_papers_say(traced):
    model, trace, logits = traced
    config = model.config

    def value(kind: str, layer: int | None = 0) -> torch.Tensor:
        array = operation_values(config, trace, logits, IDS, Operation(kind, layer, (), (), 0))
        return torch.from_numpy(array)

    block = model.layers[0]
    with torch.no_grad():
        expected = {
            "weights": value("scores").softmax(-1),
            "heads": value("weights") @ trace.layers[0].v[0],
            "attention_output": block.attention.projection(value("heads").transpose(0, 1).flatten(1)),
            "residual_middle": trace.embedding[0] + value("attention_output"),
            "norm_mlp": block.norm_mlp(value("residual_middle")),
            "up": block.mlp.up(value("norm_mlp")),
            "down": block.mlp.down(value("activation")),
            "residual": value("residual_middle") + value("down"),
        }
    for kind, tensor in expected.items():
        torch.testing.assert_close(value(kind), tensor, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(
        value("activation"), nonlinearity(config.activation, value("up").numpy()), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(value("softmax", None).sum(-1), torch.ones(len(IDS)))
    torch.testing.assert_close(model.head(value("final_norm", None)).detach(), value("head", None))
    assert value("ids", None).tolist() == IDS


def test_without_a_trace_the_model_gives_the_same_and_keeps_nothing(traced):
    model, _, logits = traced
    with torch.inference_mode():
        np.testing.assert_allclose(model(torch.tensor([IDS]))[0].numpy(), logits, atol=1e-5, rtol=1e-5)


def test_hidden_states_of_every_layer_are_those_of_transformers(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=50, n_positions=32, n_embd=24, n_layer=4, n_head=4, bos_token_id=None, eos_token_id=None
    )
    theirs = GPT2LMHeadModel(config).eval()
    theirs.save_pretrained(tmp_path)
    ids = torch.randint(50, (3, 32), generator=torch.Generator().manual_seed(3))
    trace = Trace()
    with torch.inference_mode():
        logits = load_gpt2(tmp_path)(ids, trace=trace)
        expected = theirs(ids, output_hidden_states=True)
    states = [trace.embedding, *(layer.residual for layer in trace.layers[:-1]), trace.final_norm]
    for ours, hidden in zip(states, expected.hidden_states, strict=True):  # their last one is behind the final norm
        torch.testing.assert_close(ours, hidden, atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, expected.logits, atol=1e-5, rtol=0)


def test_layer_norm_step_by_step_is_the_models_own(traced):
    model, trace, _ = traced
    last = model.config.n_layers - 1
    for norm, layer in (("attention", 0), ("attention", last), ("mlp", 0), ("final", 0)):
        steps = norm_steps(model, trace, norm, 3, layer)
        np.testing.assert_allclose(steps.after, norm_output(trace, norm, layer)[3], atol=1e-5)
        size = (model.config.d_model,)
        plain = F.layer_norm(torch.from_numpy(steps.before), size, eps=steps.epsilon).numpy()
        np.testing.assert_allclose(steps.normalised, plain, atol=1e-5)
        assert steps.normalised.mean() == pytest.approx(0, abs=1e-5)
        assert steps.normalised.var() == pytest.approx(steps.variance / (steps.variance + steps.epsilon), rel=1e-4)
        if not model.config.bias:
            assert not steps.shift.any()


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=20))
def test_nonlinearities_are_their_closed_forms(values):
    x = np.array(values)
    phi = np.array([0.5 * (1 + math.erf(each / math.sqrt(2))) for each in values])
    np.testing.assert_allclose(nonlinearity("gelu", x), x * phi, atol=1e-9)
    tanh = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(nonlinearity("gelu_tanh", x), tanh, atol=1e-9)
    np.testing.assert_allclose(nonlinearity("relu2", x), np.maximum(x, 0) ** 2, atol=1e-9)


def test_shares_of_neurons_that_are_off_are_counted(traced):
    model, trace, _ = traced
    report = activity_by_layer(trace)
    values, before = trace.layers[0].activations[0].numpy(), trace.layers[0].pre_activations[0].numpy()
    assert report.negative[0] == pytest.approx((before < 0).mean(), abs=1e-6)
    off = np.abs(values) <= 0.01 * np.abs(values).max()
    assert report.near_zero[0] == pytest.approx(off.mean(), abs=1e-6)
    assert report.never[0] == pytest.approx(off.all(0).mean(), abs=1e-6)
    if model.config.activation == "relu2":
        assert (report.near_zero >= report.negative - 1e-6).all()


def test_what_is_added_to_the_stream_is_the_difference_between_its_states(traced):
    _, trace, _ = traced
    report = stream_report(trace)
    np.testing.assert_allclose(report.norms[0::2], residual_norms(trace), rtol=1e-5)
    layer = trace.layers[-1]
    added, stream = (layer.residual - layer.residual_middle)[0].numpy(), layer.residual_middle[0].numpy()
    np.testing.assert_allclose(report.mlp[-1], np.linalg.norm(added, axis=-1), rtol=1e-4)
    cosine = (added * stream).sum(-1) / np.linalg.norm(added, axis=-1) / np.linalg.norm(stream, axis=-1)
    np.testing.assert_allclose(report.mlp_cosine[-1], cosine, atol=1e-4)
    # |stream + added|² = |stream|² + |added|² + 2 |stream| |added| cos
    before, after = report.norms[0:-1:2], report.norms[1::2]
    expected = before**2 + report.attention**2 + 2 * before * report.attention * report.attention_cosine
    np.testing.assert_allclose(after**2, expected, rtol=1e-3)


@pytest.mark.parametrize("at_once", [1, 120, 1 << 22])
def test_the_lens_in_short_is_the_whole_lens(traced, at_once):
    model, trace, logits = traced
    whole = logit_lens(model, trace)  # (L + 1, T, V)
    lens = logit_lens_top(model, trace, 4, numbers_at_once=at_once)
    np.testing.assert_allclose(lens.probabilities, -np.sort(-whole, axis=-1)[..., :4], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(np.take_along_axis(whole, lens.ids, -1), lens.probabilities, rtol=1e-4, atol=1e-7)
    assert lens.final_ids.tolist() == logits.argmax(-1).tolist()
    own = whole[:, np.arange(len(IDS)), lens.final_ids]
    np.testing.assert_allclose(lens.final_probability, own, rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(lens.final_rank, (whole > own[..., None]).sum(-1) + 1)
    divergence = (whole[-1] * np.log2(whole[-1] / whole)).sum(-1)
    np.testing.assert_allclose(lens.divergence, divergence, atol=1e-3)
    assert (lens.divergence[-1] == 0).all() and (lens.final_rank[-1] == 1).all()
    np.testing.assert_allclose(lens_probabilities(model, trace, 2, [7, 1]), whole[:, 2, [7, 1]], rtol=1e-4, atol=1e-7)


def test_more_tokens_than_the_vocabulary_are_all_of_it_and_none_is_refused(traced):
    model, trace, _ = traced
    assert logit_lens_top(model, trace, 1000).ids.shape == (model.config.n_layers + 1, len(IDS), 50)
    with pytest.raises(ConfigError, match="at least one"):
        logit_lens_top(model, trace, 0)


@pytest.mark.parametrize("n_tokens", [0, 17])
def test_a_text_that_does_not_fit_has_no_operations(n_tokens):
    with pytest.raises(ConfigError, match="1 to 16"):
        operations(SHAPES[0], n_tokens)
