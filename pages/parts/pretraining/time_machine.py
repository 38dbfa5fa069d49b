"""Part "Time machine": one slider over a run's checkpoints, and everything about the model moves with it."""

from __future__ import annotations

import math
import time

import streamlit as st

from engine import anatomy, embedding, inspection
from engine.language import N_, _
from engine.runs.records import RunRecord
from engine.training import checkpoint_steps
from pages.parts.attention.head import choose_head
from pages.parts.pretraining import replay
from pages.parts.pretraining.moments import (
    Moment,
    Question,
    all_of,
    moments_of,
)
from pages.parts.pretraining.time_panels import show_panels
from pages.shared.aside import prepare
from pages.shared.code_panel import show_code
from pages.shared.errors import shown_errors
from pages.shared.examples import example_foundation
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.models import OPEN, load
from pages.shared.run_data import run_name
from pages.shared.sentence import choose_sentence
from pages.shared.viewer import lab

PLAY_SECONDS = 1.5
LOOK_SECONDS = 3.0
MOST = 20  # tokens that the map and the lens show
AT_ONCE_PARAMETERS = 8_000_000  # of larger models only the chosen checkpoint is computed
VIEWS = (N_("Checkpoints"), N_("Replay"))
SAMPLES = (N_("Same dice"), N_("Greedy"))
# On a wide screen the slider stays in sight while the panels below it are read.
_STAYS = """<style>
@media (min-width: 900px) and (min-height: 700px) {{
  [data-testid=stLayoutWrapper]:has(> .st-key-time-bar) {{ position: sticky; top: 3.6rem; z-index: 99; }}
  .st-key-time-bar {{ background: {background}; }}
}}
</style>"""
_PLAYING = "time-playing"
_TICKED = "time-ticked"


def show() -> None:
    """The part of the lesson."""
    st.markdown(
        _(
            "A run keeps its model at steps 0, 8, 16, 32 and so on. Move **one slider** and see everything at that "
            "moment: what the model writes, what it expects, where it looks, and how its words have gathered."
        )
    )
    chosen, mode = st.columns([2.4, 1], gap="large", vertical_alignment="bottom")
    with chosen:
        record = choose_run("time-run")
    if record is None:
        return
    with mode:
        how = st.segmented_control(
            _("Look at"),
            VIEWS,
            format_func=_,
            default=VIEWS[0],
            required=True,
            key="time-view",
            persist_state="session",
            help=_(
                "Checkpoints: the model itself, asked live at the moments that were kept. Replay: the record of the "
                "training, played back at its own speed or faster."
            ),
        )
    if how == VIEWS[1]:
        replay.show(record)
    else:
        _checkpoints(record)
    notice(
        _(
            "At step 0 the text is dice and the map a cloud. First comes what is frequent, then pairs and words, then "
            "sentences; the loss falls by less and less while the samples go on improving."
        ),
        _(
            "Not all comes at once: the embeddings gather early, a head may find its habit within one doubling of the "
            "steps, and the lens shows later layers taking over what earlier ones cannot know."
        ),
        _(
            "With the same dice a changed sample is the model's doing, not luck. Greedy text loops while a model is "
            "young: what is likeliest again and again is the same phrase."
        ),
    )
    exercise(
        _(
            "Which of the panels changes most between the last two checkpoints, and which hardly at all? What does "
            "that say about the steps in between?"
        ),
        _(
            "Map and attention have mostly settled by then; loss and surprise still fall a little, on names and rare "
            "words. Later training refines what is there: half of the steps for a small part of the fall."
        ),
    )
    show_code(
        checkpoint_steps, inspection.attention_maps, anatomy.logit_lens_top, embedding.project_into, embedding.fit_pca
    )


def choose_run(key: str) -> RunRecord | None:
    """A run that has kept a model, finished or still in training; None, with advice, while there is none."""
    foundation = example_foundation()
    records = {r.run_id: r for r in lab().runs() if lab().checkpoints(r.run_id)}
    if not records:
        st.info(_("There is no model yet. Train one in the part **Train**; half a minute is enough to begin."))
        return None
    wanted = st.query_params.get("run") or st.session_state.get("run_id") or ""
    if wanted and wanted not in records and not wanted.startswith(OPEN):
        st.warning(_("The run in this address has kept no model here. This is another one that has."))
    ids = sorted(records, key=lambda each: each != foundation)
    run_id = st.selectbox(
        _("Run"),
        ids,
        index=ids.index(wanted) if wanted in records else 0,
        format_func=lambda each: _(run_name(records[each])),
        key=f"{key}:{wanted}:{len(ids)}",
        help=_("Every run that has a checkpoint, the foundation model first. Runs in training show those so far."),
    )
    st.session_state["run_id"] = run_id
    st.query_params["run"] = run_id
    return records[run_id]


def _checkpoints(record: RunRecord) -> None:
    found = moments_of(record.run_id)
    last = found[-1]
    checkpoint = load(last.choice)
    asked, text = st.columns([1, 1.4], gap="large")
    with asked:
        prompt = st.text_input(
            _("Prompt"),
            _default_prompt(record),
            max_chars=300,
            key=f"time-prompt:{record.run_id}",
            persist_state="session",
            help=_("The model writes on after it, and its most probable next tokens are those behind it."),
        )
        kind = st.segmented_control(
            _("Sample"),
            SAMPLES,
            format_func=_,
            default=SAMPLES[0],
            required=True,
            key="time-sample",
            persist_state="session",
            help=_(
                "Same dice: temperature 0.8, the 50 likeliest tokens, the same random numbers at every checkpoint. "
                "Greedy: always the likeliest token."
            ),
        )
    with text:
        own = choose_sentence(last.choice, most=MOST)
    with st.expander(_("Which head the attention panel shows"), icon=":material/visibility:"):
        choose_head(checkpoint.model.config, wide=True)
    prompt = prompt.encode("utf-8", "replace").decode("utf-8")
    if not checkpoint.tokenizer.encode(prompt):
        st.info(_("Type a prompt: the model needs at least one token to write on from."))
        return
    playing = st.session_state.get(_PLAYING) == record.run_id
    clock = PLAY_SECONDS if playing else LOOK_SECONDS if record.live else None
    question = Question(prompt, kind == SAMPLES[1], own)
    kept_current(_machine, every=clock)(record.run_id, question, playing, record.live)


def _default_prompt(record: RunRecord) -> str:
    training = record.config_dict.get("training", {})
    prompts = training.get("prompts") or [_("The lion is in the")]
    return str(prompts[0])


def _machine(run_id: str, question: Question, was_playing: bool, was_live: bool) -> None:
    """The slider and all panels; drawn again by itself when the slider moves, by a clock while it plays."""
    with shown_errors():
        record = lab().run(run_id)
        found = moments_of(run_id)
        steps = [each.info.step for each in found]
        key = f"checkpoint:{run_id}"  # the slider of the other lessons: the moment goes with the learner
        playing = st.session_state.get(_PLAYING) == run_id
        if playing:
            _advance(key, steps, record)
            playing = st.session_state.get(_PLAYING) == run_id
        if playing != was_playing or record.live != was_live:
            st.rerun()
        st.html(_STAYS.format(background=_background()))
        with st.container(key="time-bar", border=True):
            step = _time_bar(record, found, key, playing)
            waiting = st.empty()
        moment = found[steps.index(step)]
        show_panels(record, moment, found[-1], question)
        if load(found[-1].choice).model.n_parameters <= AT_ONCE_PARAMETERS:
            with waiting:  # so that the slider only has to draw
                calls = [call for each in found for call in all_of(each, found[-1], question)]
                prepare(N_("Asking the model of every other step as well"), calls)


def _background() -> str:
    """The colour behind the slider where panels pass under it; only components know the theme's colours by name."""
    kind = "dark" if st.context.theme.type == "dark" else "light"
    return str(st.get_option(f"theme.{kind}.backgroundColor") or "Canvas")


def _advance(key: str, steps: list[int], record: RunRecord) -> None:
    """One checkpoint on, once its time has come; playing ends at the last one."""
    now = time.monotonic()
    if now - st.session_state.get(_TICKED, 0.0) < 0.8 * PLAY_SECONDS:
        return
    at = st.session_state.get(key)
    place = steps.index(at) if at in steps else -1
    st.session_state[_TICKED] = now
    st.session_state[key] = steps[min(place + 1, len(steps) - 1)]
    if place + 1 >= len(steps) - 1 and place >= 0:
        st.session_state[_PLAYING] = None


def _time_bar(record: RunRecord, found: list[Moment], key: str, playing: bool) -> int:
    by_step = {each.info.step: each.info for each in found}
    steps = list(by_step)
    button, place = st.columns([1, 6.5], gap="medium", vertical_alignment="bottom")
    with button:
        st.button(
            _("Stop") if playing else _("Play"),
            key="time-play",
            icon=":material/stop:" if playing else ":material/play_arrow:",
            width="stretch",
            disabled=len(steps) < 2,
            on_click=_toggle,
            args=(record.run_id, key, steps),
            help=_("Steps through the checkpoints, one every second and a half, and stops at the last one."),
        )
    with place:
        if playing:  # no slider: one that is moved from here while it is drawn may answer with its old value
            step = st.session_state.get(key, steps[0])
            step = step if step in steps else steps[-1]
            st.progress(
                (steps.index(step) + 1) / len(steps),
                text=_("Checkpoint {value} of {n_steps}", value=steps.index(step) + 1, n_steps=len(steps)),
            )
        elif len(steps) == 1:
            step = steps[0]
            st.caption(_("This run has kept one moment so far."))
        else:
            chosen = st.session_state.get(key) in steps
            step = st.select_slider(
                _("Checkpoint"),
                steps,
                **({} if chosen else {"value": steps[-1]}),
                format_func=lambda each: _("step {each:,}", each=each),
                key=key,
                persist_state="session",
                help=_("The moments at which this run kept its model; the arrow keys move through them."),
            )
    info = by_step[step]
    total = _(" of {total_steps:,}", total_steps=record.total_steps) if record.total_steps else ""
    loss = ""
    if info.validation_loss is not None:
        perplexity = math.exp(min(info.validation_loss, 50.0))
        digits = 1 if perplexity < 100 else 0
        loss = _(
            " · validation loss **{validation_loss:.2f}** · perplexity {perplexity:,.{digits}f}",
            validation_loss=info.validation_loss,
            perplexity=perplexity,
            digits=digits,
        )
    st.markdown(
        _(
            "**Step {step:,}**{total} · {seconds:,.0f} s of training{loss}",
            step=step,
            total=total,
            seconds=info.seconds,
            loss=loss,
        )
    )
    return int(step)


def _toggle(run_id: str, key: str, steps: list[int]) -> None:
    if st.session_state.get(_PLAYING) == run_id:
        st.session_state[_PLAYING] = None
        return
    if st.session_state.get(key, steps[-1]) == steps[-1]:
        st.session_state[key] = steps[0]
    st.session_state[_PLAYING] = run_id
    st.session_state[_TICKED] = time.monotonic()
