"""The engine from a shell: `python -m engine corpora|tokenize|pretrain|translate|classify|instruct|generate|fetch|…`.

The same functions as the pages call, with a progress bar. Runs go through the run service: a run begun here is found in
the app, and one begun in the app is continued here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engine.command_line import classroom, here, repairing, tuning
from engine.command_line.following import add_run_options, asked_training, check_out, follow_and_write
from engine.errors import CheckpointError, EngineError, RunError
from engine.settings import app_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand named first; returns the exit status: 0, 1 for an error, 130 after Ctrl-C.

    Wrong usage ends with SystemExit(2), as argparse does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["serve"]:
            from engine.runs.server import main as serve_main

            return serve_main(given[1:])
        options = _parser().parse_args(given)
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read our output has seen enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (EngineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine", description="How a large language model is built.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    corpora = commands.add_parser("corpora", help="list the texts that can be learned from, or print one")
    corpora.add_argument("name", nargs="?", help="print this one")
    corpora.add_argument("--chars", type=int, default=2000, help="how much of it (default: %(default)s)")
    corpora.set_defaults(command=_corpora)

    tokenize = commands.add_parser("tokenize", help="show the tokens of a text")
    tokenize.add_argument("text", help="the text, or - for standard input")
    tokenize.add_argument("--tokenizer", default="gpt2", help="bpe, word, char, byte, gpt2, cl100k_base, o200k_base")
    tokenize.add_argument("--corpus", default="stories", help="what bpe, word and char learn from")
    tokenize.add_argument("--vocab-size", type=int, default=1000)
    tokenize.set_defaults(command=_tokenize)

    pretrain = commands.add_parser("pretrain", help="train a model and show its progress")
    pretrain.add_argument("--recipe", default="60s", help="30s, 60s, 3min or foundation (default: %(default)s)")
    pretrain.add_argument("--corpus", action="append", metavar="NAME[=WEIGHT]", help="may be given several times")
    length = pretrain.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="training time, instead of the recipe's")
    length.add_argument("--steps", type=int, help="number of steps, instead of a time")
    add_run_options(pretrain)
    here.add_options(pretrain)
    pretrain.set_defaults(command=_pretrain)

    translate = commands.add_parser("translate", help="train a model that translates, and show its progress")
    translate.add_argument("--language", choices=("german", "french"), default="german", help="from English into it")
    translate.add_argument("--preset", default="3min", help="3min or 1min (default: %(default)s)")
    length = translate.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="training time, instead of the preset's")
    length.add_argument("--steps", type=int, help="number of steps, instead of a time")
    add_run_options(translate)
    translate.set_defaults(command=_translate)

    tuning.add_parsers(commands)

    generate = commands.add_parser("generate", help="continue a text with a trained model")
    generate.add_argument("prompt")
    generate.add_argument("--run", help="id of a run (its beginning is enough); the newest with a model by default")
    generate.add_argument("--step", type=int, help="the checkpoint of this step instead of the last one")
    generate.add_argument("--tokens", type=int, default=100)
    generate.add_argument("--temperature", type=float, default=0.8)
    generate.add_argument("--top-k", type=int, default=0)
    generate.add_argument("--top-p", type=float, default=1.0)
    generate.add_argument("--min-p", type=float, default=0.0)
    generate.add_argument("--repetition-penalty", type=float, default=1.0)
    generate.add_argument("--seed", type=int, default=0)
    generate.set_defaults(command=_generate)

    fetch = commands.add_parser("fetch", help="get open GPT-2 weights from the hub, or take over a folder")
    fetch.add_argument("model", help="a hub id such as openai-community/gpt2, or a folder that transformers wrote")
    fetch.add_argument("--quiet", action="store_true", help="no progress bar")
    fetch.set_defaults(command=_fetch)

    export = commands.add_parser("export", help="write a run's model as a folder that transformers loads")
    export.add_argument("run", help="id of a run (its beginning is enough)")
    export.add_argument("folder", type=Path)
    export.set_defaults(command=_export)

    commands.add_parser("serve", help="run the training service (the app starts one by itself)")

    app = commands.add_parser("app", help="open the course in the browser")
    app.add_argument("--port", type=int, default=8501)
    app.add_argument("--address", default="127.0.0.1", help="0.0.0.0 lets a class in (default: %(default)s)")
    app.set_defaults(command=lambda options: _start(options.address, options.port))
    classroom.add_parser(commands, _start)
    repairing.add_parser(commands)
    return parser


def _corpora(options: argparse.Namespace) -> int:
    from engine.corpus import list_corpora, load_corpus

    if options.name:
        print(load_corpus(options.name)[: options.chars])
        return 0
    from rich.console import Console
    from rich.table import Column, Table

    name = Column("name", no_wrap=True)  # it is what one types
    table = Table(name, "title", "kind", "characters", "licence", "source")
    for info in list_corpora():
        size = f"{info.n_chars:,}" if info.available else f"not installed: {info.install_hint}"
        table.add_row(info.name, info.title, info.kind, size, info.license, info.source)
    Console().print(table)
    return 0


def _tokenize(options: argparse.Namespace) -> int:
    from engine.corpus import load_corpus
    from engine.tokenizer import train_tokenizer

    text = sys.stdin.read() if options.text == "-" else options.text
    learned = options.tokenizer in ("bpe", "word", "char")
    corpus = load_corpus(options.corpus)[:1_000_000] if learned else ""
    tokenizer = train_tokenizer(options.tokenizer, corpus, options.vocab_size)
    ids = tokenizer.encode(text)
    for token_id in ids:
        print(f"{token_id:>8}  {_quoted(tokenizer.token_bytes(token_id))}")
    n_words = max(1, len(text.split()))
    print(f"{len(ids)} tokens, {len(text.encode())} bytes, {len(ids) / n_words:.2f} tokens per word", file=sys.stderr)
    return 0


def _quoted(token: bytes) -> str:
    """A token as text, or as bytes where it is part of a character: `_quoted(b"\xc3") -> r"b'\xc3'"`"""
    try:
        return repr(token.decode("utf-8"))
    except UnicodeDecodeError:
        return repr(token)


def _pretrain(options: argparse.Namespace) -> int:
    from engine import foundation
    from engine.runs.recipes import recipe_config
    from engine.runs.service import lab

    weights: dict[str, float] = {}
    is_foundation = options.recipe == foundation.RECIPE
    for item in options.corpus or (() if is_foundation else ["shakespeare"]):
        name, _, weight = item.partition("=")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            print(f"error: the weight in {item!r} is no number; write for example stories=0.5", file=sys.stderr)
            return 2
    training = asked_training(options)
    if is_foundation:
        config = foundation.foundation_config(weights or None, training=training, seed=options.seed)
    else:
        config = recipe_config(options.recipe, weights, seed=options.seed, training=training)
    check_out(options.out)
    label = options.label or " · ".join(filter(None, [" + ".join(weights), options.recipe]))
    if here.wanted(options):
        from engine.command_line import together

        return together.pretrain(config, label, options)
    service = lab()
    run_id = service.submit(config, label)
    print(f"run {run_id}: {config.model.n_parameters:,} parameters")
    return follow_and_write(service, run_id, options)


def _translate(options: argparse.Namespace) -> int:
    from engine.runs.service import lab
    from engine.runs.translating import translation_config

    training = asked_training(options)
    config = translation_config(options.preset, language=options.language, seed=options.seed, training=training)
    check_out(options.out)
    service = lab()
    run_id = service.submit(config, options.label or f"English → {options.language.capitalize()}")
    print(f"run {run_id}: English to {options.language.capitalize()}")
    return follow_and_write(service, run_id, options)


def _generate(options: argparse.Namespace) -> int:
    from engine.generation import SamplingConfig, generate
    from engine.runs.service import RunService
    from engine.settings import Settings

    with closing(RunService(Settings.from_environment(), start=False)) as service:
        wanted = options.run or ""
        named = (record.run_id for record in service.runs() if record.run_id.startswith(wanted))
        run_id = next((run_id for run_id in named if service.checkpoints(run_id)), None)
        if run_id is None:
            raise RunError(f"there is no run {wanted!r} with a model; train one: python -m engine pretrain")
        checkpoint = service.load_model(run_id, options.step)
    sampling = SamplingConfig(
        options.temperature, options.top_k, options.top_p, options.min_p, options.repetition_penalty, options.seed
    )
    end = checkpoint.tokenizer.end_of_text_id
    print(options.prompt, end="", flush=True)
    steps = generate(
        checkpoint.model,
        checkpoint.tokenizer,
        options.prompt,
        options.tokens,
        sampling,
        stop_ids=() if end is None else {end},
    )
    for step in steps:
        if step.id != end:
            print(step.text, end="", flush=True)
    print()
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from engine.hub import adopt, folder_name
    from engine.open_models import fetch_noted, models_folder
    from engine.settings import Settings

    settings = Settings.from_environment()
    if Path(options.model).is_dir():
        print(adopt(options.model, models_folder(settings)))
        return 0
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=options.quiet) as bar:
        task = bar.add_task(options.model, total=None)
        state = fetch_noted(
            settings,
            options.model,
            progress=lambda now: bar.update(task, description=now.file, completed=now.done, total=now.total),
        )
    if state.error:
        raise CheckpointError(state.error)
    print(models_folder(settings) / folder_name(options.model))
    return 0


def _export(options: argparse.Namespace) -> int:
    from engine.checkpoint import export_gpt2
    from engine.runs.service import RunService
    from engine.settings import Settings

    if options.folder.exists() and (options.folder.is_file() or any(options.folder.iterdir())):
        raise RunError(f"{options.folder} is not empty: name a new folder.")
    with closing(RunService(Settings.from_environment(), start=False)) as service:
        named = (record.run_id for record in service.runs() if record.run_id.startswith(options.run))
        run_id = next(named, None)
        if run_id is None:
            raise RunError(f"there is no run {options.run!r}; list them in the app")
        checkpoint = service.load_model(run_id)
    export_gpt2(checkpoint.model, options.folder, checkpoint.tokenizer)
    print(options.folder)
    return 0


def _start(address: str, port: int) -> int:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port), "--server.address", address]
    return subprocess.run(command, cwd=app_folder(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
