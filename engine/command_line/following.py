"""Runs on the command line: the options they share, and a progress bar that follows one to its end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import RunError

if TYPE_CHECKING:
    from engine.runs.records import RecordedEvent
    from engine.runs.service import RunService

_SHOWN = ("eval", "sample", "translations", "answers", "test")


def add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--label", default="", help="the name that the app shows")
    command.add_argument("--out", type=Path, help="write the finished run (record and models) to this folder")
    command.add_argument("--half", action="store_true", help="with --out: weights in half precision")
    command.add_argument("--most", type=int, metavar="N", help="with --out: at most so many checkpoints")


def asked_training(options: argparse.Namespace) -> dict[str, object]:
    """The changes of the training that the command line asks for."""
    training: dict[str, object] = {"seed": options.seed}
    if options.steps is not None:
        training |= {"steps": options.steps, "seconds": None}
    elif options.seconds is not None:
        training["seconds"] = options.seconds
    return training


def check_out(folder: Path | None) -> None:
    if folder is not None and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty: name a new folder.")


def run_named(service: RunService, beginning: str) -> str:
    found = next((r.run_id for r in service.runs() if r.run_id.startswith(beginning)), None)
    if found is None:
        raise RunError(f"there is no run {beginning!r}; train one: python -m engine pretrain")
    return found


def follow_and_write(
    service: RunService,
    run_id: str,
    options: argparse.Namespace,
    report: Callable[[RunService, str], None] | None = None,
    *,
    served: bool = True,
    before_farewell: Callable[[], None] | None = None,
    carried: Callable[[], bool] | None = None,
) -> int:
    """Show a run to its end and write it out; the exit status.

    `served`: the training service carries it out. Else `carried` says whether somebody still does, and
    `before_farewell` lets go of the run after Ctrl-C.
    """
    try:
        state = _follow(service, run_id, served=served, carried=carried)
        if report is not None and state == "finished":
            report(service, run_id)
        if options.out is not None and state == "finished":
            service.export_run(run_id, options.out, half=options.half, most=options.most)
            print(f"written to {options.out}")
    except KeyboardInterrupt:
        if before_farewell is not None:
            before_farewell()
        print("The run is saved; the same command or the app goes on with it.", file=sys.stderr)
        raise
    finally:
        service.close()
    return 0 if state == "finished" else 1


def _follow(service: RunService, run_id: str, *, served: bool = True, carried: Callable[[], bool] | None = None) -> str:
    """Show a run until it rests, and return its state then."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("waiting", total=None)
        seen = 0
        while True:
            record = service.run(run_id)
            for event in service.events(run_id, after=seen, kinds=_SHOWN):
                seen = event.seq
                for line in _lines(event):
                    progress.console.print(line, markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
            loss = "" if record.train_loss is None else f"  loss {record.train_loss:.3f}"
            words = record.note if record.live and not record.step else record.state
            words = (record.live and served and service.server_problem()) or words or record.state
            progress.update(task, description=words + loss, total=record.total_steps, completed=record.step)
            if not record.live or (carried is not None and not carried()):
                record = service.run(run_id)
                break
            service.ensure_server()
            time.sleep(0.25)
    if record.error:
        print(f"error: {record.error}", file=sys.stderr)
    return record.state


def _lines(event: RecordedEvent) -> list[str]:
    """An evaluation or a sample in a line or two; a number that was not finite is recorded as None."""
    if event.kind == "sample":
        return [" " * 13 + event.payload["prompt"] + event.payload["text"].replace("\n", " ⏎ ")]
    if event.kind == "translations":
        shown = event.payload["translations"][0]
        return [" " * 13 + f"{shown['source']} → {shown['text']} ({'right' if shown['right'] else 'wrong'})"]
    if event.kind == "answers":
        shown = event.payload["answers"][0]
        return [" " * 13 + f"{shown['instruction']} → {shown['text']} ({'right' if shown['right'] else 'wrong'})"]
    if event.kind == "test":
        said = [max(range(len(each)), key=each.__getitem__) for each in event.payload["probabilities"]]
        return [f"step {event.step:>6}  judged {len(said):,} test texts"]
    if "confusion" in event.payload:
        loss, share = (event.payload[name] for name in ("validation_loss", "validation_accuracy"))
        return [f"step {event.step:>6}  validation loss {_measured(loss)}  accuracy {share:.1%}"]
    if "exact_match" in event.payload:
        loss, share = (event.payload[name] for name in ("validation_loss", "exact_match"))
        bleu, rouge = event.payload.get("bleu"), event.payload.get("rouge_l")
        other = f"ROUGE-L {rouge:.2f}" if bleu is None else f"BLEU {bleu:.1f}"
        return [f"step {event.step:>6}  validation loss {_measured(loss)}  exact match {share:.1%}  {other}"]
    loss, bits = (_measured(event.payload[name]) for name in ("validation_loss", "bits_per_byte"))
    sources = [f"  {each['name']} {_measured(each['validation_loss'])}" for each in event.payload.get("sources", ())]
    return [f"step {event.step:>6}  validation loss {loss}  {bits} bits/byte{''.join(sources)}"]


def _measured(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
