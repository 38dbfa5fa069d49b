"""Part: LoRA looked into: how many parameters a rank costs, what update was learned, and how strongly it is used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import lora
from engine.aside_worker import Call
from engine.checkpoint import Checkpoint
from engine.gpt import GPT, GPTConfig
from engine.language import N_, _, number
from engine.lora import LoRALinear, adapter_weights, adapters, lora_parameters
from engine.lora_files import adapter_archive, merged_archive
from engine.runs.questions_asked import AtStrength, answer_at_strength, merging_changes
from pages.parts.instructions.asking import asked_of, groups_of
from pages.parts.instructions.source import choose_tuned, config_of, tuned
from pages.shared import charts
from pages.shared.aside import all_computed, computed, found_by
from pages.shared.code_panel import show_code
from pages.shared.components.heat_grid import heat_grid
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.models import ModelChoice, model_named
from pages.shared.tables import show_table
from pages.shared.wording import slider_form

GPT3 = GPTConfig.preset("gpt3")
_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
_N_ASKED = 20
_TARGETS = {
    "qkv": N_("attention: queries, keys, values"),
    "projection": N_("attention: output"),
    "up": N_("MLP: first matrix"),
    "down": N_("MLP: second matrix"),
}


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "LoRA leaves each pretrained matrix W as it is and learns two thin ones beside it: W + (α / r) · B A, "
            "where B A has rank r. Here is the update that was really learned."
        )
    )
    choice = choose_tuned(lora=True)
    if choice is not None:
        model = tuned(choice).model
        _cost(model)
        _update(choice, model)
        _strength(choice)
        _files(choice, tuned(choice))
    notice(
        _(
            "B begins at zero, so the first step starts at the pretrained model exactly. With the checkpoint of step 0 "
            "the update is empty."
        ),
        _(
            "The singular values say how many directions the update really uses. Where the last ones are small, a "
            "smaller rank would have done."
        ),
        _(
            "Merged, the model costs not one operation more than before. Kept apart, many updates can share one model: "
            "a few hundred kilobytes for each task."
        ),
    )
    exercise(
        _("Move the strength below 1 and above it. Does the model get half the fares right at half the strength?"),
        _(
            "No: answers flip one by one, when the right token overtakes another. The loss changes smoothly, exact "
            "match does not. Above 1 the update is exaggerated, and beyond some point it breaks the language itself."
        ),
    )
    show_code(LoRALinear, lora.add_lora, lora.merge_lora)


def _cost(model: GPT) -> None:
    config = model.config
    rank = st.slider(
        _("Rank r"),
        1,
        64,
        int(getattr(config, "lora_rank", 8)),
        key="lora-rank-asked",
        persist_state="session",
        help=_("The width of A and B. This slider only counts; the run above has the rank it was trained with."),
    )
    here, large = lora_parameters(config, rank), lora_parameters(GPT3, rank)
    numbers = (
        (
            _("This model, r = ") + str(rank),
            number(here),
            _("{here:.1%} of {n_parameters:,}.", here=here / config.n_parameters, n_parameters=config.n_parameters),
        ),
        (
            "GPT-3, r = " + str(rank),
            f"{number(large / 1e6, ',.0f')} M",
            _("{large:.3%} of 175 billion.", large=large / GPT3.n_parameters),
        ),
    )
    with st.container(horizontal=True):
        for label, value, help in numbers:
            st.metric(_(label), value, help=_(help), width=220)
    st.caption(
        _(
            "r · (in + out) numbers for each of the four matrices of a layer, in every layer: "
            "{here:.1%} of this model, {large:.2%} of GPT-3. The wider a model, "
            "the smaller the share.",
            here=here / config.n_parameters,
            large=large / GPT3.n_parameters,
        )
    )


def _update(choice: ModelChoice, model: GPT) -> None:
    st.header(_("The update B·A"), anchor=False)
    places = [name for name, _unused in adapters(model)]
    left, right = st.columns(2)
    layer = left.select_slider(
        _("Layer"),
        list(range(1, model.config.n_layers + 1)),
        model.config.n_layers,
        format_func=_,
        key=f"lora-layer:{choice.run_id}",
        persist_state="session",
        help=_("Counted from 1."),
    ) if model.config.n_layers > 1 else 1  # fmt: skip
    target = right.selectbox(
        _("Matrix"),
        list(_TARGETS),
        format_func=lambda each: _(_TARGETS[each]),
        key="lora-target",
        persist_state="session",
        help=_("Which of the four matrices of a layer."),
    )
    name = next(each for each in places if each.startswith(f"blocks.{layer - 1}.") and each.endswith(f".{target}"))
    module = dict(adapters(model))[name]
    update = module.update().numpy()
    values = np.linalg.svd(update, compute_uv=False)[: module.rank]
    share = float(np.linalg.norm(update) / np.linalg.norm(module.weight.detach().numpy()))
    summary = _("The update has {share:.1%} of the size of the matrix it is added to (Frobenius norms).", share=share)
    heat_grid(
        update,
        f"lora-update:{choice.key}:{name}",
        title=f"(α / r) · B A, {update.shape[0]} × {update.shape[1]}",
        row_name=_("output"),
        column_name=_("input"),
        summary=summary,
    )
    st.caption(summary)
    bars = pd.DataFrame(
        {
            "row": [str(n) for n in range(1, len(values) + 1)],
            "series": _("singular value"),
            "value": values.astype(float),
            "shown": [number(value, ".3f") for value in values],
        }
    )
    charts.grouped_bars(
        bars,
        title=_("Singular values of the update, rank {rank}", rank=module.rank),
        rows_title=_("number"),
        value_title=_("singular value"),
        series_title="",
        alt_text=_("Bar chart: the singular values of the update, the largest first."),
        summary=_used(values),
    ).show()


def _used(values: np.ndarray) -> str:
    total = float((values**2).sum())
    if not total:
        return _("The update is zero: nothing has been learned yet.")
    held = np.cumsum(values**2) / total
    n = int(np.searchsorted(held, 0.9) + 1)
    return _("{n} of {n_values} directions hold 90 % of the update's squared size.", n=n, n_values=len(values))


def _strength(choice: ModelChoice) -> None:
    st.header(_("Strength"), anchor=False)
    strength = st.slider(
        _("Strength of the update"),
        0.0,
        1.5,
        1.0,
        0.05,
        format=slider_form(),
        key="lora-strength",
        persist_state="session",
        help=_("0: the pretrained model. 1: as it was trained. Above: exaggerated."),
    )
    with shown_errors():
        _at_one(choice, round(strength, 2))
    if st.toggle(
        _("Measure at six strengths"),
        False,
        key="lora-all",
        persist_state="session",
        help=_("0 to 1.25; some seconds the first time."),
    ):
        with shown_errors():
            _at_six(choice)


def _strength_call(choice: ModelChoice, strength: float) -> Call:
    asked = asked_of(choice, next(iter(groups_of(choice))), _N_ASKED)
    return Call(answer_at_strength, (model_named(choice), asked, strength))


def _at_one(choice: ModelChoice, strength: float) -> None:
    call = _strength_call(choice, strength)
    measured: AtStrength = found_by(call, _("Answering at this strength …"))
    columns = st.columns(3)
    columns[0].metric(
        _("Exact match"),
        number(measured.exact, ".0%"),
        help=_("Of {n_asked} held-out questions: {group}.", n_asked=_N_ASKED, group=call.arguments[1].group),
    )
    said = "–" if measured.said is None else number(measured.said, ".0%")
    columns[1].metric(_("Says the fact"), said, help=_("And no other number beside it."))
    columns[2].metric(_("Loss of the references"), number(measured.loss, ".2f"), help=_("Nats per token."))
    st.text(f"{measured.asked}\n{measured.text or _('(nothing: it ends at once)')}")


def _at_six(choice: ModelChoice) -> None:
    found = all_computed(_("Measuring …"), [_strength_call(choice, each) for each in _STRENGTHS])
    rows = [
        {N_("Strength"): strength, N_("Exact match"): number(each.exact, ".0%"), N_("Loss"): number(each.loss, ".2f")}
        for strength, each in zip(_STRENGTHS, found, strict=True)
    ]
    show_table(pd.DataFrame(rows), hide_index=True, width="stretch")


def _files(choice: ModelChoice, checkpoint: Checkpoint) -> None:
    st.header(_("Merge and export"), anchor=False)
    with shown_errors():
        difference = computed(_("Merging …"), merging_changes, model_named(choice))
        st.markdown(
            _(
                "Merging adds each update to its matrix. The largest difference of any logit between the merged and "
                "the unmerged model is **{difference:.1g}** here: rounding, and nothing else.",
                difference=difference,
            )
        )
    size = sum(each.numel() for each in adapter_weights(checkpoint.model).values()) * 4
    with st.container(horizontal=True):
        st.download_button(
            _("The update alone ({size:.1f} MB)", size=size / 1e6),
            data=lambda: _adapter_archive(choice, checkpoint),
            file_name=f"lora-{choice.run_id}.zip",
            mime="application/zip",
            key=f"lora-file:{choice.key}",
            icon=":material/download:",
            on_click="ignore",
            help=_("A and B of every matrix as safetensors, with rank and alpha as JSON."),
        )
        st.download_button(
            _("The merged model"),
            data=lambda: _merged_archive(checkpoint),
            file_name=f"merged-{choice.run_id}.zip",
            mime="application/zip",
            key=f"lora-merged:{choice.key}",
            icon=":material/download:",
            on_click="ignore",
            help=_("An ordinary model of the pretrained one's shape, as safetensors with its tokenizer."),
        )


def _adapter_archive(choice: ModelChoice, checkpoint: Checkpoint) -> bytes:
    return adapter_archive(checkpoint.model, base=config_of(choice).base)


def _merged_archive(checkpoint: Checkpoint) -> bytes:
    return merged_archive(checkpoint.model, checkpoint.tokenizer)
