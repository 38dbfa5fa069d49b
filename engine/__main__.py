"""The engine from a shell: `python -m engine corpora|tokenize|pretrain|translate|classify|generate|fetch|…`.

The same functions as the pages call, with a progress bar. Runs go through the run service: a run begun here is found in
the app, and one begun in the app is continued here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CheckpointError, EngineError, RunError

if TYPE_CHECKING:
    from engine.runs.records import RecordedEvent
    from engine.runs.service import RunService

_FOUNDATION = Path(__file__).resolve().parents[1] / "assets" / "foundation"


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
    _add_run_options(pretrain)
    pretrain.set_defaults(command=_pretrain)

    translate = commands.add_parser("translate", help="train a model that translates, and show its progress")
    translate.add_argument("--language", choices=("german", "french"), default="german", help="from English into it")
    translate.add_argument("--preset", default="3min", help="3min or 1min (default: %(default)s)")
    length = translate.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="training time, instead of the preset's")
    length.add_argument("--steps", type=int, help="number of steps, instead of a time")
    _add_run_options(translate)
    translate.set_defaults(command=_translate)

    classify = commands.add_parser("classify", help="fine-tune a model that classifies, and show how good it is")
    classify.add_argument("--data", default="sms-spam", help="sms-spam, bbc-topics, shakespeare-genres, or a file")
    classify.add_argument("--base", help="run to start from (its beginning is enough); the foundation model by default")
    classify.add_argument("--preset", default="90s", help="90s or 30s (default: %(default)s)")
    classify.add_argument("--trainable", default="all", help="all, head, 'last block' or lora (default: %(default)s)")
    classify.add_argument("--start", default="pretrained", help="pretrained or random weights (default: %(default)s)")
    classify.add_argument("--balance", action="store_true", help="train on as many texts of each class")
    classify.add_argument("--n-train", type=int, metavar="N", help="train on so many texts")
    length = classify.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="training time, instead of the preset's")
    length.add_argument("--steps", type=int, help="number of steps, instead of a time")
    _add_run_options(classify)
    classify.set_defaults(command=_classify)

    instruct = commands.add_parser("instruct", help="fine-tune a model that answers, and show how well it does")
    instruct.add_argument(
        "--data", default="airline", help="airline, telecom, translation, python, headlines, or a file"
    )
    instruct.add_argument("--base", help="run to start from (its beginning is enough); the foundation model by default")
    instruct.add_argument("--preset", default="full", help="full, lora or 'last block' (default: %(default)s)")
    instruct.add_argument("--learn-prompt", action="store_true", help="do not mask the prompt's tokens")
    length = instruct.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=float, help="training time, instead of the preset's")
    length.add_argument("--steps", type=int, help="number of steps, instead of a time")
    _add_run_options(instruct)
    instruct.set_defaults(command=_instruct)

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
    app.set_defaults(command=_app)
    return parser


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--label", default="", help="the name that the app shows")
    command.add_argument("--out", type=Path, help="write the finished run (record and models) to this folder")
    command.add_argument("--half", action="store_true", help="with --out: weights in half precision")
    command.add_argument("--most", type=int, metavar="N", help="with --out: at most so many checkpoints")


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
    training = _asked_training(options)
    if is_foundation:
        config = foundation.foundation_config(weights or None, training=training, seed=options.seed)
    else:
        config = recipe_config(options.recipe, weights, seed=options.seed, training=training)
    _check_out(options.out)
    service = lab()
    run_id = service.submit(config, options.label or " · ".join(filter(None, [" + ".join(weights), options.recipe])))
    print(f"run {run_id}: {config.model.n_parameters:,} parameters")
    return _follow_and_write(service, run_id, options)


def _asked_training(options: argparse.Namespace) -> dict[str, object]:
    """The changes of the training that the command line asks for."""
    training: dict[str, object] = {"seed": options.seed}
    if options.steps is not None:
        training |= {"steps": options.steps, "seconds": None}
    elif options.seconds is not None:
        training["seconds"] = options.seconds
    return training


def _check_out(folder: Path | None) -> None:
    if folder is not None and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty: name a new folder.")


def _follow_and_write(
    service: RunService,
    run_id: str,
    options: argparse.Namespace,
    report: Callable[[RunService, str], None] | None = None,
) -> int:
    try:
        state = _follow(service, run_id)
        if report is not None and state == "finished":
            report(service, run_id)
        if options.out is not None and state == "finished":
            service.export_run(run_id, options.out, half=options.half, most=options.most)
            print(f"written to {options.out}")
    except KeyboardInterrupt:
        print("The run is saved; the same command or the app goes on with it.", file=sys.stderr)
        raise
    finally:
        service.close()
    return 0 if state == "finished" else 1


def _translate(options: argparse.Namespace) -> int:
    from engine.runs.service import lab
    from engine.runs.translating import translation_config

    training = _asked_training(options)
    config = translation_config(options.preset, language=options.language, seed=options.seed, training=training)
    _check_out(options.out)
    service = lab()
    run_id = service.submit(config, options.label or f"English → {options.language.capitalize()}")
    print(f"run {run_id}: English to {options.language.capitalize()}")
    return _follow_and_write(service, run_id, options)


def _classify(options: argparse.Namespace) -> int:
    from engine.runs.classifying import classification_config
    from engine.runs.service import lab
    from engine.uploads import labelled_jsonl, read_labelled

    _check_out(options.out)
    service = lab()
    data, title = options.data, options.data
    if (path := Path(data)).is_file():
        data, title = service.save_upload(labelled_jsonl(read_labelled(path.read_bytes(), path.name))), path.name
    base = _base_run(service, options)
    training = _asked_training(options)
    config = classification_config(
        service.keep_model(base),
        options.preset,
        data=data,
        trainable=options.trainable,
        start=options.start,
        balance=options.balance,
        n_train=options.n_train,
        seed=options.seed,
        training=training,
    )
    run_id = service.submit(config, options.label or f"{title} · {options.trainable} · {options.start}")
    print(f"run {run_id}: {title}; what learns: {options.trainable}")
    return _follow_and_write(service, run_id, options, _report_test)


def _report_test(service: RunService, run_id: str) -> None:
    """How good a classifier is on its test set, which it never saw before its end."""
    import numpy as np

    from engine.classification_metrics import quality, rarest_class
    from engine.runs.classifying import ClassificationConfig, split_of

    recorded = service.events(run_id, kinds=("test",))
    if not recorded:
        return
    record = service.run(run_id)
    assert isinstance(record.config, ClassificationConfig)
    test = split_of(record.config, service.artifacts).test
    found = quality(test.labels, np.array(recorded[-1].payload["probabilities"]))
    names = test.label_names
    which = f"F1 of {names[rarest_class(test.labels, 2)]!r}" if len(names) == 2 else "mean F1"
    low, high = (f"{100 * end:.1f}" for end in found.interval)
    print(
        f"test: {found.n_right:,} of {found.n:,} right, accuracy {found.accuracy:.2%} "
        f"(95 % interval {low} to {high} %), {which} {found.f1:.3f}, {record.seconds:.0f} s of training"
    )


def _base_run(service: RunService, options: argparse.Namespace) -> str:
    return service.import_run(_FOUNDATION) if options.base is None else _run_named(service, options.base)


def _instruct(options: argparse.Namespace) -> int:
    from engine.instruction_files import as_json_lines, read_example_file
    from engine.runs.instructing import instruction_config
    from engine.runs.service import lab

    _check_out(options.out)
    service = lab()
    data, title = options.data, options.data
    if (path := Path(data)).is_file():
        data, title = service.save_upload(as_json_lines(read_example_file(path.read_bytes(), path.name))), path.name
    config = instruction_config(
        data,
        service.keep_model(_base_run(service, options)),
        options.preset,
        mask_prompt=not options.learn_prompt,
        seed=options.seed,
        training=_asked_training(options),
    )
    run_id = service.submit(config, options.label or f"{title} · {options.preset}")
    print(f"run {run_id}: {title}; what learns: {config.tunable}")
    return _follow_and_write(service, run_id, options, _report_answers)


def _report_answers(service: RunService, run_id: str) -> None:
    """How the model and the one it began as answer what was held out."""
    from engine.checkpoint import load_checkpoint
    from engine.runs.instructing import InstructionConfig, read_set
    from engine.tuning import EncodedQuestions, give_answers, says_right

    config = service.run(run_id).config
    assert isinstance(config, InstructionConfig)
    models = {
        "pretrained": load_checkpoint(service.artifacts.kept_model(config.base)),
        "fine-tuned": service.load_model(run_id),
    }
    for group, questions in read_set(config.data, config.seed, service.artifacts).held_out.items():
        for name, found in models.items():
            most = found.model.config.context_length - 1
            asked = EncodedQuestions.of(questions, config.as_template(), found.tokenizer, most)
            answers = give_answers(found.model, asked, found.tokenizer)
            by_topic: dict[str, list[bool]] = {}
            for question, answer in zip(asked.questions, answers, strict=True):
                by_topic.setdefault(question.topic or "all", []).append(says_right(answer))
            shares = ", ".join(f"{topic} {sum(each) / len(each):.1%}" for topic, each in by_topic.items())
            overlap = sum(answer.rouge_l for answer in answers) / max(1, len(answers))
            exact = sum(answer.right for answer in answers) / max(1, len(answers))
            print(f"{group} ({len(answers)}), {name}: exact {exact:.1%}, ROUGE-L {overlap:.2f}; right facts: {shares}")
    print(f"{service.run(run_id).seconds:.0f} s of training")


def _run_named(service: RunService, beginning: str) -> str:
    found = next((r.run_id for r in service.runs() if r.run_id.startswith(beginning)), None)
    if found is None:
        raise RunError(f"there is no run {beginning!r}; train one: python -m engine pretrain")
    return found


_SHOWN = ("eval", "sample", "translations", "answers", "test")


def _follow(service: RunService, run_id: str) -> str:
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
            words = (record.live and service.server_problem()) or words or record.state
            progress.update(task, description=words + loss, total=record.total_steps, completed=record.step)
            if not record.live:
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


def app_folder() -> Path:
    """Where app.py lies: beside the engine in a checkout, inside it when installed from a wheel."""
    engine = Path(__file__).resolve().parent
    return engine.parent if (engine.parent / "app.py").exists() else engine / "_app"


def _app(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(options.port), "--server.address", options.address]
    return subprocess.run(command, cwd=app_folder(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
