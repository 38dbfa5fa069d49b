"""Generation at batch 1 against transformers.generate with its cache: same weights, 200 tokens, interleaved."""

import time

import numpy as np
import torch

from engine.checkpoint import load_gpt2
from engine.generation import SamplingConfig, generate

from .peers import transformers_gpt2

N_TOKENS, ROUNDS = 200, 5


class Bytes:
    n_vocab = 1000

    def encode(self, text: str) -> list[int]:
        return list(text.encode())

    def token_bytes(self, token_id: int) -> bytes:
        return b"x"


def test_generation_speed(benchmark, tmp_path):
    theirs = transformers_gpt2(4, 128, 4, 256, 1000).eval()
    theirs.save_pretrained(tmp_path)
    ours = load_gpt2(tmp_path)
    prompt = "The lion is in the"
    ids = torch.tensor([list(prompt.encode())])

    def by_transformers():
        theirs.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=N_TOKENS,
            min_new_tokens=N_TOKENS,
            do_sample=True,
            temperature=0.8,
            top_k=50,
            use_cache=True,
            pad_token_id=0,
        )

    def by_us():
        assert len(list(generate(ours, Bytes(), prompt, N_TOKENS, SamplingConfig(temperature=0.8, top_k=50)))) == 200

    times = {"ours": [], "transformers": []}

    def one_round():
        for name, write in (("ours", by_us), ("transformers", by_transformers)):
            started = time.perf_counter()
            write()
            times[name].append(time.perf_counter() - started)

    one_round()
    for measured in times.values():
        measured.clear()
    benchmark.pedantic(one_round, rounds=ROUNDS)
    speed = {name: N_TOKENS / float(np.median(measured)) for name, measured in times.items()}
    ratio = speed["ours"] / speed["transformers"]
    benchmark.extra_info.update({name: round(value) for name, value in speed.items()}, ratio=round(ratio, 2))
    print(f"\nours {speed['ours']:,.0f} tokens/s, transformers {speed['transformers']:,.0f}; ratio {ratio:.2f}")
