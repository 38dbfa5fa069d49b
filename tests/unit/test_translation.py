"""Sentence pairs, their vocabulary, training and quality, against sacrebleu, counts by hand and the model itself."""

import numpy as np
import pytest
import torch
from sacrebleu import corpus_bleu

from engine import translation
from engine.checkpoint import save_checkpoint
from engine.errors import CheckpointError, ConfigError, TokenizerError
from engine.events import TranslationEvalEvent, TranslationsEvent
from engine.seq2seq import END, PAD, START, Seq2Seq, Seq2SeqConfig
from engine.training import TrainingConfig
from engine.translation import (
    Encoded,
    PairSampler,
    TranslationTrainer,
    Vocabulary,
    free_running,
    held_out_pairs,
    is_held_out,
    join_words,
    load_translation,
    make_pairs,
    measure_exposure,
    split_words,
    teacher_forced,
    translate,
    translation_quality,
)


@pytest.fixture(scope="module")
def pairs():
    return make_pairs("german", 3_000)


@pytest.fixture(scope="module")
def vocabulary(pairs):
    return Vocabulary.of((*pairs.train, *pairs.held_out), "german")


@pytest.fixture(scope="module")
def encoded(pairs, vocabulary):
    return Encoded.of(pairs.train, vocabulary)


def small(vocabulary, **settings) -> Seq2Seq:
    config = {"d_model": 16, "n_heads": 2, "n_layers": 1, "max_length": 32, **settings}
    return Seq2Seq(Seq2SeqConfig(vocabulary.n_vocab, **config), seed=5).eval()


@pytest.mark.parametrize("language", ["german", "french"])
def test_every_sentence_of_the_phrasebook_survives_splitting_and_joining(language):
    for pair in make_pairs(language, 5_000).train:
        assert join_words(split_words(pair.foreign), language) == pair.foreign
        assert join_words(split_words(pair.english), "english") == pair.english


@pytest.mark.parametrize("language", ["german", "french"])
def test_held_out_sentences_are_new_compositions_of_known_words(language):
    pairs = make_pairs(language, 20_000)
    trained = {pair.english for pair in pairs.train}
    assert not trained & {pair.english for pair in pairs.held_out}
    assert pairs.overlap == 0 and pairs.new_words == 0
    assert all(is_held_out(pair.english) for pair in pairs.held_out)
    distinct = len(trained) + len(pairs.held_out)
    share, deviation = 1 / 20, np.sqrt(0.05 * 0.95 / distinct)
    assert abs(len(pairs.held_out) / distinct - share) < 4 * deviation
    assert held_out_pairs(language, 50) == list(pairs.held_out[:50])


def test_the_hash_does_not_depend_on_the_process():
    assert [is_held_out(text) for text in ("The lion sleeps.", "a", "")] == [False, False, False]
    assert sum(is_held_out(str(number)) for number in range(1_000)) == 49


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="german, french"):
        make_pairs("klingon", 10)
    with pytest.raises(ConfigError, match="german, french"):
        held_out_pairs("klingon", 1)


def test_the_vocabulary_gives_each_word_one_id_and_names_what_it_lacks(vocabulary, pairs, tmp_path):
    for pair in pairs.held_out[:200]:
        assert vocabulary.decode(vocabulary.encode(pair.foreign)) == pair.foreign
        assert vocabulary.decode([START, *vocabulary.encode(pair.foreign), END, PAD]) == pair.foreign
    assert len(set(vocabulary.words)) == vocabulary.n_vocab
    with pytest.raises(TokenizerError, match="zebrafish"):
        vocabulary.encode("The zebrafish sleeps.")
    unknown = vocabulary.unknown_english("the lionn is here.")
    assert "lion" in unknown["lionn"] and "is" not in unknown
    vocabulary.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json").words == vocabulary.words
    (tmp_path / "other.json").write_text('{"kind": "bpe"}', "utf-8")
    with pytest.raises(TokenizerError, match="no vocabulary"):
        Vocabulary.load(tmp_path / "other.json")


def test_an_epoch_shows_every_pair_once_in_another_order_and_a_seed_repeats_it(encoded):
    sampler = PairSampler(encoded, 32, seed=1)
    per_epoch = len(encoded.sources) // 32

    def read(sampler, epoch):
        rows = []
        for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
            source, target = sampler.batch(step)
            assert (target[:, 0] == START).all() and ((target == END).sum(1) == 1).all()
            rows += [tuple(id for id in row if id != PAD) for row in source.tolist()]
        return rows

    first, second = read(sampler, 0), read(sampler, 1)
    assert first == read(PairSampler(encoded, 32, seed=1), 0) and first != second
    assert first != read(PairSampler(encoded, 32, seed=2), 0)
    seen, there = sorted(first), sorted(encoded.sources)
    assert len(seen) == per_epoch * 32 and len(there) - len(seen) < 32
    counts = dict.fromkeys(there, 0)
    for row in there:
        counts[row] += 1
    for row in seen:
        counts[row] -= 1
    assert min(counts.values()) >= 0  # no pair more often than the phrasebook has it


def test_like_lengths_share_a_batch_so_that_little_is_padding(encoded):
    sampler = PairSampler(encoded, 64)
    padding = np.mean([float((sampler.batch(step)[0] == PAD).float().mean()) for step in range(20)])
    rng = np.random.default_rng(0)
    shuffled = np.mean(
        [float((encoded.batch(rng.choice(len(encoded.sources), 64))[0] == PAD).float().mean()) for _ in range(20)]
    )
    assert padding < shuffled / 2


def test_no_sentence_is_no_training(encoded):
    with pytest.raises(ConfigError, match="more texts"):
        PairSampler(Encoded((), ()), 4)


def test_exact_match_is_counted_by_hand_and_bleu_is_that_of_sacrebleu(pairs):
    references = [pair.foreign for pair in pairs.held_out[:40]]
    texts = [text if number % 4 else " ".join(text.split()[:-1]) for number, text in enumerate(references)]
    quality = translation_quality(texts, references)
    assert quality.exact_match == 30 / 40
    assert quality.bleu == pytest.approx(corpus_bleu(texts, [references]).score)
    assert "tok:13a" in quality.signature
    assert translation_quality(references, references).bleu == pytest.approx(100)
    for wrong in ([], references[:3]):
        with pytest.raises(ConfigError, match="cannot be compared"):
            translation_quality(wrong, references)


def test_bleu_of_one_sentence_is_its_closed_form():
    # Of "a b c d e" (5 words) against "a b c d f": 4/5, 3/4, 2/3 and 1/2 of the runs of 1 to 4 words agree.
    expected = 100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert translation_quality(["a b c d e"], ["a b c d f"]).bleu == pytest.approx(expected, abs=1e-5)


def test_teacher_forcing_is_the_forward_pass(vocabulary, pairs):
    model = small(vocabulary)
    pair = pairs.held_out[0]
    source, reference = vocabulary.encode(pair.english), vocabulary.encode(pair.foreign)
    fed = teacher_forced(model, source, reference)
    with torch.no_grad():
        expected = model(torch.tensor([source]), torch.tensor([[START, *reference]]))[0].softmax(-1)
    assert [each.token for each in fed] == expected.argmax(-1).tolist()
    assert [each.right_token for each in fed] == [*reference, END]
    for row, each in zip(expected, fed, strict=True):
        assert each.probability == pytest.approx(float(row.max()), abs=1e-6)
        assert each.right_probability == pytest.approx(float(row[each.right_token]), abs=1e-6)


def test_running_free_each_word_stands_on_the_models_own(vocabulary, pairs):
    model = small(vocabulary)
    pair = pairs.held_out[0]
    source, reference = vocabulary.encode(pair.english), vocabulary.encode(pair.foreign)
    own = free_running(model, source, reference, max_new_tokens=9)[:9]
    ids = [START]
    for each in own:
        with torch.no_grad():
            best = int(model(torch.tensor([source]), torch.tensor([ids]))[0, -1].argmax())
        assert each.token == best
        ids.append(best)
    assert translate(model, vocabulary, [pair.english], 9) == [vocabulary.decode(ids)]


@pytest.fixture(scope="module")
def trained(vocabulary, encoded, pairs):
    model = small(vocabulary, d_model=48, n_heads=4)
    config = TrainingConfig(steps=60, batch_size=32, learning_rate=5e-3, evaluations=2, prompts=())
    trainer = TranslationTrainer(model, vocabulary, encoded, pairs.held_out[:30], config)
    return model, list(trainer.events())


def test_training_lowers_the_loss_and_its_numbers_are_those_of_the_functions(trained, vocabulary, pairs):
    model, events = trained
    measured = [event for event in events if isinstance(event, TranslationEvalEvent)]
    shown = [event for event in events if isinstance(event, TranslationsEvent)]
    assert measured[-1].validation_loss < measured[0].validation_loss - 1
    assert measured[0].validation_loss == pytest.approx(np.log(vocabulary.n_vocab), rel=0.25)
    held_out = list(pairs.held_out[:30])
    most = max(len(vocabulary.encode(pair.foreign)) for pair in held_out) + 3
    texts = translate(model, vocabulary, [pair.english for pair in held_out], most)
    quality = translation_quality(texts, [pair.foreign for pair in held_out])
    assert measured[-1].exact_match == quality.exact_match
    assert measured[-1].bleu == pytest.approx(quality.bleu)
    assert [each.text for each in shown[-1].translations] == texts[: translation.SHOWN]
    assert all(each.right == (each.text == each.reference) for each in shown[-1].translations)


def test_exposure_is_counted_token_by_token(trained, vocabulary, pairs):
    model, _ = trained
    held_out = pairs.held_out[:12]
    found = measure_exposure(model, Encoded.of(held_out, vocabulary))
    forced, free, n_tokens = 0, 0, 0
    for pair in held_out:
        source, reference = vocabulary.encode(pair.english), vocabulary.encode(pair.foreign)
        right = [*reference, END]
        fed = [each.token for each in teacher_forced(model, source, reference)]
        own = [each.token for each in free_running(model, source, reference)]
        forced += sum(a == b for a, b in zip(fed, right, strict=True))
        free += sum(a == b for a, b in zip([*own, *[END] * len(right)], right, strict=False))
        n_tokens += len(right)
    assert found.n_sentences == 12
    assert found.forced == pytest.approx(forced / n_tokens)
    assert found.free == pytest.approx(free / n_tokens)


def test_a_checkpoint_translates_as_before_and_a_foreign_vocabulary_is_refused(trained, vocabulary, pairs, tmp_path):
    model, _ = trained
    sentences = [pair.english for pair in pairs.held_out[:5]]
    folder = save_checkpoint(tmp_path / "good", model, vocabulary)
    loaded = load_translation(folder or tmp_path / "good")
    assert translate(loaded.model, loaded.tokenizer, sentences) == translate(model, vocabulary, sentences)
    other = Vocabulary("german", vocabulary.english[:10], vocabulary.foreign[:10])
    other.save(tmp_path / "good" / "tokenizer.json")
    with pytest.raises(CheckpointError):
        load_translation(tmp_path / "good")
