"""How much a recipe learns in a given time: validation bits per byte on 1 MB of Shakespeare.

    python tests/benchmarks/recipe_search.py --seconds 15 --threads 2 usual lesson

prints one line a recipe. Results are kept in tests/benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from engine.corpus import load_corpus
from engine.gpt import GPT, GPTConfig
from engine.runs.preparation import token_lengths
from engine.tokenizer import train_tokenizer
from engine.training import Trainer, TrainingConfig, mean_loss
from engine.windows import WindowSampler, evaluation_windows, split_ids

USUAL = {"optimizer": "adamw", "learning_rate": 1e-3, "decay": "cosine", "batch_size": 16}
ROTARY = {"positions": "rotary", "bias": False}

# name: (vocabulary, model, training)
RECIPES = {
    "usual": (1000, {"n_layers": 4, "n_heads": 4, "d_model": 128, "context_length": 64}, USUAL),
    "adamw-wide": (
        1000,
        {"n_layers": 2, "n_heads": 6, "d_model": 192, "context_length": 32, "embedding_std": 0.1},
        {"optimizer": "adamw", "learning_rate": 4e-3, "warmup": 0.2, "decay": "cosine"},
    ),
    "muon-wide": (1000, {"n_layers": 2, "n_heads": 6, "d_model": 192, "context_length": 32}, {}),
    "muon-small": (1000, {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 32}, {}),
    "muon-small-rotary": (1000, {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 32, **ROTARY}, {}),
    "one-layer-rotary": (1000, {"n_layers": 1, "n_heads": 4, "d_model": 128, "context_length": 32, **ROTARY}, {}),
    "lesson-2000": (2000, {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 32, **ROTARY}, {}),
    "lesson-4000": (4000, {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 32, **ROTARY}, {}),
    "lesson-4000-T64": (
        4000,
        {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 64, **ROTARY},
        {"batch_size": 16},
    ),
    "lesson-8000": (8000, {"n_layers": 2, "n_heads": 4, "d_model": 128, "context_length": 32, **ROTARY}, {}),
    "wide-4000": (
        4000,
        {"n_layers": 2, "n_heads": 6, "d_model": 192, "context_length": 64, **ROTARY},
        {"batch_size": 16},
    ),
    "deep-4000": (
        4000,
        {"n_layers": 3, "n_heads": 6, "d_model": 192, "context_length": 64, **ROTARY},
        {"batch_size": 16},
    ),
}


def measure(name: str, seconds: float, seed: int) -> None:
    """Train one recipe for its time and print what came out."""
    vocab_size, shape, training = RECIPES[name]
    text = load_corpus("shakespeare")[:1_000_000]
    tokenizer = train_tokenizer("bpe", text, vocab_size)
    train_ids, validation_ids = split_ids(tokenizer.encode_array(text), 0.1)
    config = TrainingConfig(seconds=seconds, evaluations=0, seed=seed, **training)
    model = GPT(GPTConfig(tokenizer.n_vocab, **shape), seed=seed)
    trainer = Trainer(model, WindowSampler(train_ids, model.config.context_length, config.batch_size, seed), config)
    started = time.perf_counter()
    for _ in trainer.events():
        pass
    elapsed = time.perf_counter() - started
    inputs, targets = evaluation_windows(validation_ids, model.config.context_length)
    loss = mean_loss(model, inputs, targets)
    n_bytes = int(token_lengths(tokenizer)[targets.numpy()].sum())
    bits = loss / math.log(2) * targets.numel() / n_bytes
    print(
        f"| {name} | {seconds:g} | {model.n_parameters:,} | {trainer.step} | {elapsed:.1f} | {loss:.3f} | {bits:.3f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} thread(s)")
    print("| recipe | budget s | parameters | steps | took s | nats per token | bits per byte |")
    print("|---|---|---|---|---|---|---|")
    for name in options.recipes:
        measure(name, options.seconds, options.seed)


if __name__ == "__main__":
    main()
