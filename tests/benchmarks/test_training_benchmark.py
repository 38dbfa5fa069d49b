"""Training throughput against two peers: same shapes, batches and optimizer, interleaved in one run.

`make bench` prints the table; `extra_info` holds the ratio of each contender's tokens per second to the best peer's.
"""

import time

import numpy as np
import pytest
import torch

from engine.gpt import GPT, GPTConfig
from engine.training import Trainer, TrainingConfig
from engine.windows import WindowSampler

from .peers import SHAPES, PlainGPT, transformers_gpt2

ROUNDS = 12


def plain_step(model, batch_of, losses_of):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    model.train()

    def step(n: int) -> None:
        x, y = batch_of(n)
        optimizer.zero_grad(set_to_none=True)
        loss = losses_of(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()

    return step


def contenders(shape):
    layers, width, heads, context, batch, vocabulary = shape
    ids = np.random.default_rng(0).integers(0, vocabulary, 200_000)
    sampler = WindowSampler(ids, context, batch, 0)
    ours = Trainer(
        GPT(GPTConfig(vocabulary, context, layers, heads, width)),
        sampler,
        TrainingConfig(steps=100_000, optimizer="adamw", learning_rate=1e-3, evaluations=0, batch_size=batch),
    )
    events = ours.events()
    plain = PlainGPT(layers, width, heads, context, vocabulary)
    theirs = transformers_gpt2(layers, width, heads, context, vocabulary)
    return {
        "ours": lambda n: next(events),
        "plain": plain_step(plain, sampler.batch, plain),
        # transformers shifts the labels itself; that its last target is dropped changes nothing in the cost
        "transformers": plain_step(theirs, sampler.batch, lambda x, y: theirs(x, labels=x).loss),
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_training_throughput(benchmark, shape, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    steps = contenders(SHAPES[shape])
    times = {name: [] for name in steps}

    def one_round(n: int) -> None:
        for name, step in steps.items():
            started = time.perf_counter()
            step(n)
            times[name].append(time.perf_counter() - started)

    for n in range(3):
        one_round(n)
    for measured in times.values():
        measured.clear()
    benchmark.pedantic(lambda: [one_round(n) for n in range(ROUNDS)], rounds=1)
    torch.set_num_threads(before)
    tokens = SHAPES[shape][3] * SHAPES[shape][4]
    speed = {name: tokens / float(np.median(measured)) for name, measured in times.items()}
    best_peer = max(speed["plain"], speed["transformers"])
    benchmark.extra_info.update(
        {name: round(value) for name, value in speed.items()}, ratio=round(speed["ours"] / best_peer, 3)
    )
    print(f"\n{shape}, {threads} thread(s): " + ", ".join(f"{k} {v:,.0f} tokens/s" for k, v in speed.items()), end="")
    print(f"; ours / best peer = {speed['ours'] / best_peer:.2f}")
