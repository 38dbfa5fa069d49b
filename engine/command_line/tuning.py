"""Fine-tuning on the command line: `classify` and `instruct`, each with a report on what was held out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.command_line.following import add_run_options, asked_training, check_out, follow_and_write, run_named
from engine.settings import app_folder

if TYPE_CHECKING:
    from engine.runs.service import RunService


def add_parsers(commands: Any) -> None:
    """Add both commands to those of the parser."""
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
    add_run_options(classify)
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
    add_run_options(instruct)
    instruct.set_defaults(command=_instruct)


def _classify(options: argparse.Namespace) -> int:
    from engine.runs.classifying import classification_config
    from engine.runs.service import lab
    from engine.uploads import labelled_jsonl, read_labelled

    check_out(options.out)
    service = lab()
    data, title = options.data, options.data
    if (path := Path(data)).is_file():
        data, title = service.save_upload(labelled_jsonl(read_labelled(path.read_bytes(), path.name))), path.name
    base = _base_run(service, options)
    training = asked_training(options)
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
    return follow_and_write(service, run_id, options, _report_test)


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


def _instruct(options: argparse.Namespace) -> int:
    from engine.instruction_files import as_json_lines, read_example_file
    from engine.runs.instructing import instruction_config
    from engine.runs.service import lab

    check_out(options.out)
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
        training=asked_training(options),
    )
    run_id = service.submit(config, options.label or f"{title} · {options.preset}")
    print(f"run {run_id}: {title}; what learns: {config.tunable}")
    return follow_and_write(service, run_id, options, _report_answers)


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


def _base_run(service: RunService, options: argparse.Namespace) -> str:
    return (
        service.import_run(app_folder() / "assets" / "foundation")
        if options.base is None
        else run_named(service, options.base)
    )
