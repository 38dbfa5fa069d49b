"""The classifier: its pooling by hand, padding that changes nothing, what learns, and metrics against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix as their_matrix

from engine.checkpoint import read_checkpoint, save_checkpoint
from engine.classification import (
    ClassificationTrainer,
    Classifier,
    ClassifierConfig,
    EncodedTexts,
    confusion_matrix,
    kept_tokens,
    predict,
)
from engine.errors import ConfigError
from engine.events import ClassificationEvalEvent, ClassificationTestEvent, event_from_dict, event_to_dict
from engine.gpt import GPT, GPTConfig
from engine.tokenizer import ByteTokenizer
from engine.training import TrainingConfig

BODY = GPTConfig(vocab_size=257, context_length=24, n_layers=2, n_heads=2, d_model=16, positions="rotary", bias=False)
NAMES = ("ham", "spam")
TEXTS = ["win a prize now", "see you at five", "hi", "free prize! win win win", "call me when you are home, please"]


def config(**settings) -> ClassifierConfig:
    return ClassifierConfig(BODY, NAMES, **settings)


def encoded(texts=TEXTS, labels=(1, 0, 0, 1, 0)) -> EncodedTexts:
    return EncodedTexts.of(texts, labels, ByteTokenizer(), BODY.context_length)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_scores_are_those_of_each_text_by_itself_whatever_is_beside_it(pooling):
    model = Classifier(config(pooling=pooling), seed=2).eval()
    ids, lengths, _ = encoded().batch(range(5))
    together = model(ids, lengths)
    noise = ids.clone()
    for row, length in enumerate(lengths.tolist()):
        noise[row, length:] = 255
        hidden = model.body.hidden(ids[row : row + 1, :length])[0]
        vector = hidden[-1] if pooling == "last" else hidden.mean(0)
        torch.testing.assert_close(together[row], model.classify(vector), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(noise, lengths), together, atol=1e-6, rtol=1e-5)


def test_a_classifier_stands_on_a_copy_of_the_pretrained_model():
    body = GPT(BODY, seed=7).eval()
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    model = Classifier(config(), body=body).eval()
    ids, lengths, _ = encoded().batch([0])
    torch.testing.assert_close(model.body.hidden(ids), body.hidden(ids))
    model(ids, lengths).sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in body.state_dict().items())
    assert model.n_parameters == body.n_parameters + 2 * 16 + 2


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        ("head", 2 * 16 + 2),
        ("last block", 12 * 16 * 16 + 2 * 16 + 16 + 2 * 16 + 2),
        ("all", 257 * 16 + 2 * (12 * 16 * 16 + 2 * 16) + 16 + 2 * 16 + 2),
        ("lora", 2 * 4 * (16 + 48 + 16 + 16 + 16 + 64 + 64 + 16) + 2 * 16 + 2),
    ],
)
def test_only_what_was_chosen_learns(trainable, expected):
    model = Classifier(config(trainable=trainable, lora_rank=4), seed=3)
    assert model.n_trainable == expected
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    settings = TrainingConfig(steps=3, batch_size=2, learning_rate=0.01, optimizer="adamw", evaluations=1, prompts=())
    list(ClassificationTrainer(model, encoded(), encoded(), settings).events())
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert moved <= learning and "classify.weight" in moved
    if trainable != "head":
        assert any(name.startswith("body.") for name in moved)


def test_an_epoch_reads_every_text_at_most_once_in_another_order():
    many = encoded([f"text {n} {'x' * (n % 9)}" for n in range(40)], [n % 2 for n in range(40)])
    settings = TrainingConfig(steps=9, batch_size=8, evaluations=0, prompts=())
    trainer = ClassificationTrainer(Classifier(config()), many, many, settings)
    first = [row for step in range(5) for row in trainer.batches.rows(step)]
    second = [row for step in range(5, 10) for row in trainer.batches.rows(step)]
    assert sorted(first) == sorted(second) == list(range(40)) and first != second
    assert trainer.batches.rows(3) == first[24:32]


def test_the_gradient_of_both_halves_is_that_of_the_whole_batch():
    many = encoded([f"text {n} {'x' * (n % 9)}" for n in range(7)], [n % 2 for n in range(7)])
    settings = TrainingConfig(steps=1, batch_size=7, clip_norm=1e6, evaluations=0, prompts=())
    trainer = ClassificationTrainer(Classifier(config()), many, many, settings)
    model = Classifier(config(), seed=3)
    loss, _, n_tokens = trainer._gradients(model, 0)
    found = {name: each.grad.clone() for name, each in model.named_parameters()}
    model.zero_grad()
    ids, lengths, labels = many.batch(range(7))
    whole = torch.nn.functional.cross_entropy(model(ids, lengths), labels)
    whole.backward()
    assert loss == pytest.approx(whole.item(), abs=1e-6) and n_tokens == int(lengths.sum())
    for name, each in model.named_parameters():
        torch.testing.assert_close(found[name], each.grad, atol=1e-6, rtol=1e-4)


def test_long_texts_keep_their_beginning_and_their_end():
    assert kept_tokens(5, 5) == [0, 1, 2, 3, 4] and kept_tokens(9, 1) == [8] and kept_tokens(0, 3) == []
    found = EncodedTexts.of(["abcdefghij", "", "abc"], [0, 1, 0], ByteTokenizer(), 6)
    assert found.ids == (tuple(b"abghij"), (0,), tuple(b"abc"))


def test_a_share_of_the_tokens_is_left_out_in_order_and_never_all():
    texts = encoded(["".join(chr(97 + n % 26) for n in range(24))] * 200, [n % 2 for n in range(200)])
    thin = texts.thinned(range(50, 150), 0.3, np.random.default_rng(0))
    assert thin.labels == texts.labels[50:150]
    assert 0.65 < np.mean([len(ids) for ids in thin.ids]) / 24 < 0.75
    assert all(sorted(ids) == list(ids) for ids in thin.ids)
    assert all(len(ids) == 1 for ids in texts.thinned(range(9), 1.0, np.random.default_rng(0)).ids)
    assert texts.thinned(range(3), 0.0, np.random.default_rng(0)).ids == texts.ids[:3]


def test_it_learns_what_a_word_decides_and_reports_what_it_measures():
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefgh"))
    texts, labels = [], []
    for n in range(240):
        word = "".join(rng.choice(letters, 6))
        texts.append(f"{word} {'win' if n % 2 else 'see'} {word[:2]}")
        labels.append(n % 2)
    train, validation = encoded(texts[:200], labels[:200]), encoded(texts[200:], labels[200:])
    model = Classifier(config(), seed=1)
    settings = TrainingConfig(
        steps=60, batch_size=20, learning_rate=5e-3, optimizer="adamw", evaluations=3, weight_decay=0.0, prompts=()
    )
    events = list(ClassificationTrainer(model, train, validation, settings).events())
    last = [event for event in events if isinstance(event, ClassificationEvalEvent)][-1]
    assert last.validation_accuracy == 1.0 and last.train_accuracy == 1.0
    probabilities = predict(model, validation)
    assert last.confusion == ((20, 0), (0, 20))
    picked = probabilities[np.arange(40), np.array(validation.labels)]
    assert last.validation_loss == pytest.approx(-np.log(picked).mean(), rel=1e-5)
    assert event_from_dict(event_to_dict(last)) == last


def test_the_confusion_matrix_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    labels, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    ours = confusion_matrix(labels.tolist(), predicted.tolist(), 6)
    np.testing.assert_array_equal(ours, their_matrix(labels, predicted, labels=range(6)))


@pytest.mark.parametrize("trainable", ["all", "lora"])
def test_a_checkpoint_gives_the_same_probabilities(trainable, tmp_path):
    model = Classifier(config(trainable=trainable, pooling="mean"), seed=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    save_checkpoint(tmp_path / "one", model, ByteTokenizer())
    read = read_checkpoint(
        tmp_path / "one", lambda settings: Classifier(ClassifierConfig.from_dict(settings)), lambda _: None
    )
    assert read.model.config == model.config
    np.testing.assert_array_equal(predict(read.model, encoded()), predict(model, encoded()))


def test_settings_that_cannot_work_are_refused():
    for settings, message in (
        ({"label_names": ("one",)}, "two labels"),
        ({"label_names": ("one", "one")}, "two labels"),
        ({"pooling": "max"}, "pooling"),
        ({"trainable": "some"}, "trainable"),
        ({"trainable": "lora", "lora_rank": 0}, "lora_rank"),
    ):
        with pytest.raises(ConfigError, match=message):
            ClassifierConfig(**{"body": BODY, "label_names": NAMES, **settings})
    with pytest.raises(ConfigError, match="another shape"):
        Classifier(config(), body=GPT(GPTConfig(vocab_size=9, context_length=8, n_layers=1, n_heads=1, d_model=8)))
    with pytest.raises(ConfigError, match="more texts"):
        ClassificationTrainer(Classifier(config()), EncodedTexts((), ()), encoded(), TrainingConfig(steps=1))
    assert EncodedTexts.of([""], [0], ByteTokenizer(), 4).ids == ((0,),)


def test_the_test_set_is_judged_once_at_the_end_by_the_model_that_is_kept():
    test = encoded(TEXTS[:3], (1, 0, 0))
    model = Classifier(config(), seed=5)
    settings = TrainingConfig(steps=10, batch_size=2, learning_rate=0.01, evaluations=2, prompts=())
    events = list(ClassificationTrainer(model, encoded(), encoded(), settings, test=test).events())
    (judged,) = (event for event in events if isinstance(event, ClassificationTestEvent))
    assert judged.step == 10 and event_from_dict(event_to_dict(judged)) == judged
    np.testing.assert_allclose(judged.probabilities, predict(model, test), atol=1e-6)
    measured = [event for event in events if isinstance(event, ClassificationEvalEvent)]
    for event in measured:
        matrix = confusion_matrix(encoded().labels, event.predicted, 2)
        assert event.confusion == tuple(map(tuple, matrix.tolist()))


def test_muon_moves_the_matrices_of_the_body_and_adamw_the_rest():
    trainer = ClassificationTrainer(Classifier(config()), encoded(), encoded(), TrainingConfig(steps=2, prompts=()))
    muon, _ = trainer._optimizers
    assert muon is not None
    named = dict(trainer.model.named_parameters())
    assert {name for name in named if name.startswith("body.blocks.") and named[name].dim() == 2} == set(
        muon.parameters
    )
