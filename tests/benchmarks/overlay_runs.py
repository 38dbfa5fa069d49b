"""Finished runs of many steps, written into a store without training: for what only looks at records."""

from __future__ import annotations

from engine.runs.recipes import recipe_config
from engine.runs.service import RunService


def record_runs(service: RunService, n_runs: int, n_steps: int, n_evaluations: int = 20) -> list[str]:
    """The ids of such runs; each loss falls as a power of the step, a little differently in every run."""
    ids = []
    for n in range(n_runs):
        config = recipe_config("30s", "stories", training={"steps": n_steps, "seconds": None, "seed": n}, seed=n)
        run_id = service.submit(config, f"Recorded {n}")
        claim = service.store.claim(run_id, "benchmark")
        assert claim is not None
        events: list[dict[str, object]] = []
        for step in range(1, n_steps + 1):
            loss = 1.2 + 0.1 * n + 6 * step**-0.5 + 0.05 * ((step * 7919 + n) % 13 - 6) / 6
            common = {"step": step, "tokens": 1024 * step, "seconds": step / 20}
            events.append(
                {
                    "kind": "step",
                    **common,
                    "loss": loss,
                    "learning_rate": 0.01,
                    "gradient_norm": 1.0,
                    "tokens_per_second": 20_000.0,
                }
            )
            if step % (n_steps // n_evaluations) == 0:
                measured = {"train_loss": loss, "validation_loss": loss + 0.1, "perplexity": 20.0}
                events.append({"kind": "eval", **common, **measured, "bits_per_byte": 1.5, "sources": []})
        service.store.append(claim, events, total_steps=n_steps)
        service.store.settle(claim, "finished")
        ids.append(run_id)
    return ids
