"""Part: learn BPE. The training merge by merge, at any merge at once, and a game of guessing the next one."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from engine import bpe, bpe_replay
from engine.bpe import N_BYTES, Pair
from engine.bpe_replay import Replay
from engine.language import N_, _, number
from engine.merges import merge_number
from engine.readable import readable
from pages.shared.bpe_charts import compression, pair_counts, pair_name
from pages.shared.bpe_training import MAX_LINE, recorded, recorded_line
from pages.shared.chips import chips_of
from pages.shared.code_panel import show_code
from pages.shared.components import StepRow, merge_steps, token_chips
from pages.shared.errors import shown_errors
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.tables import show_table
from pages.shared.text_source import choose_text
from pages.shared.texts import text_of

LINE = "low lower lowest, slow slower slowest, new newer newest"
SIZES = {10_000: N_("10 kB"), 30_000: N_("30 kB"), 100_000: N_("100 kB"), 300_000: N_("300 kB"), 1_000_000: N_("1 MB")}
MAX_MERGES = 2_000
EXCERPT = 600
TICK_SECONDS = 0.5
SPEEDS = {1: "1", 4: "4", 20: "20", 100: "100"}
_STATE = "bpe-film"


@dataclass
class Film:
    """Where this session stands in the training of one text, and what it guessed on the way (merge → pair)."""

    text: str
    at: int = 0
    playing: bool = False
    moved_at: float = 0.0
    guesses: dict[int, Pair] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=lambda: {"slider": 0, "number": 0})


@dataclass(frozen=True)
class Material:
    """What is learned on: a name that tells texts apart, the text, and its recorded training."""

    name: str
    text: str
    replay: Replay


def learn() -> None:
    """Byte-pair encoding, step by step."""
    st.markdown(
        _(
            "BPE starts with the 256 bytes. It counts which two tokens stand next to each other most often, makes that "
            "pair a new token, and counts again. Nothing else: the list of merges *is* the tokenizer."
        )
    )
    with shown_errors():
        _training()
    notice(
        _(
            "The first merges are the commonest pairs of letters; after some dozens whole words appear, most with "
            "their space in front."
        ),
        _(
            "The curve falls steeply, then flattens: each merge joins a rarer pair than the one before, so twice the "
            "vocabulary is far from half the length."
        ),
        _(
            "A merge changes the counts of its neighbours only. That is why training need not count again from the "
            "start."
        ),
        _(
            "Of equally frequent pairs the one with the smallest ids is merged, so the same text always gives the same "
            "tokenizer."
        ),
    )
    exercise(
        _(
            "Take the text of one line and guess each merge before you look. When does the count of the best pair "
            "reach 1, and what do merges learn from then on?"
        ),
        _(
            "In a short text the counts run out after a handful of merges. A pair that occurs once is merged all the "
            "same, and the tokens learn this text by heart: they will hardly occur in another one. Real tokenizers "
            "learn from gigabytes, so that even the last merge has been seen thousands of times."
        ),
    )
    show_code(bpe.train_steps, bpe.PairTable.merge, bpe_replay.record_training)


def _training() -> None:
    material = _choose_material()
    if material is None:
        return
    n_merges = min(_choose_length(), material.replay.n_merges)
    film = _film(material.name)
    film.at = min(film.at, n_merges)
    if film.at >= n_merges:
        film.playing = False
    if n_merges == 0:
        st.info(_("No two tokens stand next to each other in this text: there is nothing to merge."))
        return
    kept_current(_screen, every=TICK_SECONDS if film.playing else None)(material, n_merges, film.playing)


def _choose_material() -> Material | None:
    long, short = _("A corpus or my own text"), _("A text of one line")
    which = st.segmented_control(
        _("Learn from"),
        [long, short],
        default=long,
        required=True,
        key="bpe-material",
        persist_state="session",
        help=_("One line shows every count at a glance; a longer text shows what a real vocabulary looks like."),
    )
    if which == short:
        line = st.text_input(
            _("Text of one line"),
            LINE,
            key="bpe-line",
            persist_state="session",
            max_chars=MAX_LINE,
            help=_("Words that share parts make the best puzzle. Change it and the training begins anew."),
        )
        if not line:
            st.info(_("Type a text: at least two letters, so that there is a pair to merge."))
            return None
        name = "line:" + hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()
        return Material(name, line, recorded_line(line, MAX_MERGES))
    beside, amount = st.columns([3, 2], gap="medium")
    with beside:
        source = choose_text(
            "bpe-text",
            default="stories",
            min_chars=20,
            help=_("The tokenizer learns which letters stand together in this text."),
        )
    with amount:
        size = st.select_slider(
            _("How much of it to read"),
            list(SIZES),
            1_000_000,
            format_func=lambda each: _(SIZES[each]),
            key="bpe-amount",
            persist_state="session",
            help=_("In characters. The more text, the better the counts of rare pairs."),
        )
    if source.problem:
        st.info(source.problem)
        return None
    return Material(f"{source.name}:{size}", text_of(source.name, size), recorded(source.name, size, MAX_MERGES))


def _choose_length() -> int:
    return st.slider(
        _("Merges to learn"),
        10,
        MAX_MERGES,
        500,
        10,
        key="bpe-merges",
        persist_state="session",
        help=_("Where the film ends. The vocabulary is 256 bytes, these merges and the token for the end of a text."),
    )


def _film(name: str) -> Film:
    film = st.session_state.get(_STATE)
    if film is None or film.text != name:
        film = st.session_state[_STATE] = Film(name)
    return film


# --- moving ------------------------------------------------------------------------------------------------------


def _move(to: int, last: int, by: str = "") -> None:
    """Go to a merge. Controls that did not cause it are made anew, so that none of them answers with an old value."""
    film = st.session_state[_STATE]
    film.at = max(0, min(to, last))
    film.moved_at = time.monotonic()
    for control in film.turns:
        if control != by:
            film.turns[control] += 1


def _move_by(control: str, key: str, last: int) -> None:
    value = st.session_state.get(key)
    if isinstance(value, int):
        _move(value, last, control)


def _set_playing(playing: bool, last: int) -> None:
    """Play or pause. Each has its own button: while the clock ticks, one press may be reported twice."""
    film = st.session_state[_STATE]
    if film.playing == playing:
        return
    film.playing = playing
    film.moved_at = time.monotonic()
    if playing and film.at >= last:
        film.at = 0
    for control in film.turns:
        film.turns[control] += 1


def _advance(film: Film, last: int) -> None:
    """While playing: as many merges as the time since the last picture asks for."""
    now = time.monotonic()
    speed = st.session_state.get("bpe-speed") or 4
    due = int((now - film.moved_at) * speed)
    if due > 0:
        film.at = min(film.at + due, last)
        film.moved_at = now
    if film.at >= last:
        film.playing = False


# --- the picture -------------------------------------------------------------------------------------------------


def _screen(material: Material, last: int, ticking: bool) -> None:
    film = st.session_state.get(_STATE)
    if film is None or film.text != material.name:
        st.rerun()
    if film.playing and ticking:
        _advance(film, last)
    if film.playing != ticking:
        st.rerun()  # the clock of this fragment is set by the whole page
    guessing = _buttons(film, last)
    _place(film, last)
    replay, n = material.replay, film.at
    _numbers(replay, n)
    _last_merge(replay, n)
    left, right = st.columns(2, gap="large")
    with left:
        if guessing and n < last and n not in film.guesses:
            _ask(film, replay, n)
        else:
            if guessing and n in film.guesses:
                _verdict(film, replay, n, last)
            figure = pair_counts(replay, n)
            figure.show(caption=False)
            st.text(figure.summary)  # it quotes tokens of the text, which a caption would read as Markdown
    with right:
        compression(replay, n, last).show()
    _excerpt(material, n)
    with st.expander(_("As a table"), icon=":material/table_rows:"):
        show_table(_table(replay, n), width="stretch", hide_index=True)
        st.caption(_("The last fifty merges, the newest first."))


def _buttons(film: Film, last: int) -> bool:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            _("Back"),
            key="bpe-back",
            icon=":material/skip_previous:",
            disabled=film.at == 0 or film.playing,
            help=_("Undo the last merge."),
            on_click=_move,
            args=(film.at - 1, last),
        )
        guessing = bool(st.session_state.get("bpe-guess"))
        st.button(
            _("Play"),
            key="bpe-play",
            icon=":material/play_arrow:",
            type="secondary" if film.playing else "primary",
            disabled=guessing and not film.playing,
            help=_("Merge on and on, at the speed beside. From the end it begins anew."),
            on_click=_set_playing,
            args=(True, last),
        )
        st.button(
            _("Pause"),
            key="bpe-pause",
            icon=":material/pause:",
            type="primary" if film.playing else "secondary",
            help=_("Stay at this merge."),
            on_click=_set_playing,
            args=(False, last),
        )
        st.button(
            _("Step"),
            key="bpe-step",
            icon=":material/skip_next:",
            disabled=film.at >= last or film.playing or (guessing and film.at not in film.guesses),
            help=_("Make the next merge."),
            on_click=_move,
            args=(film.at + 1, last),
        )
        st.segmented_control(
            _("Merges a second"),
            list(SPEEDS),
            default=4,
            required=True,
            format_func=lambda each: _(SPEEDS[each]),
            key="bpe-speed",
            persist_state="session",
            help=_("How fast Play goes."),
        )
        return st.toggle(
            _("Guess the next merge"),
            key="bpe-guess",
            persist_state="session",
            disabled=film.playing,
            help=_("Hides the counts and asks which pair comes next."),
        )


def _place(film: Film, last: int) -> None:
    if film.playing:
        st.progress(film.at / last, text=_("Merge {at:,} of {last:,}", at=film.at, last=last))
        return
    slider, number = st.columns([4, 1], vertical_alignment="bottom")
    key = f"bpe-slider-{film.text}-{last}-{film.turns['slider']}"
    slider.slider(
        _("Merges made, of {last:,}", last=last),
        0,
        last,
        film.at,
        key=key,
        help=_("Any merge at once: all of them are kept."),
        on_change=_move_by,
        args=("slider", key, last),
    )
    key = f"bpe-number-{film.text}-{last}-{film.turns['number']}"
    number.number_input(
        _("Jump to merge"),
        0,
        last,
        film.at,
        key=key,
        help=_("The number of merges made so far."),
        on_change=_move_by,
        args=("number", key, last),
    )


def _numbers(replay: Replay, n: int) -> None:
    with st.container(horizontal=True):
        st.metric(_("Merges made"), number(n), width=150, help=_("Each one made one new token."))
        st.metric(_("Tokens known"), number(N_BYTES + n), width=150, help=_("256 bytes and one for each merge."))
        st.metric(_("Text in tokens"), number(replay.n_tokens(n)), width=190, help=_("The length of the whole text."))
        st.metric(
            _("Bytes per token"), number(replay.bytes_per_token(n), ".2f"), width=150, help=_("The compression so far.")
        )
        share = replay.n_tokens(n) / max(1, replay.n_start)
        st.metric(
            _("Of the first length"),
            number(share, ".1%"),
            width=170,
            help=_("Tokens now, as a share of those at merge 0."),
        )


def _last_merge(replay: Replay, n: int) -> None:
    step = replay.step(n)
    if step is None:
        merge_steps([StepRow(_("Before the first merge: bytes"), [])], "bpe-last", label=_("The last merge"))
        return
    halves = [(half, readable(replay.token_bytes(half))) for half in step.pair]
    row = StepRow(
        _(
            "Merge {merge_number:,} joined a pair that stood {count:,} × in the text",
            merge_number=merge_number(step.new_id),
            count=step.count,
        ),
        [*halves, (step.new_id, readable(step.token))],
        made=[2],
    )
    merge_steps([row], "bpe-last", label=_("The last merge: its two tokens and the new one"))


def _excerpt(material: Material, n: int) -> None:
    st.markdown(
        _(
            "**The text in the tokens of this moment**{ending}",
            ending="" if len(material.text) <= EXCERPT else _(" · an excerpt"),
        )
    )
    start = 0
    if len(material.text) > EXCERPT:
        percent = st.slider(
            _("Where in the text"),
            0,
            100,
            0,
            format="%d %%",
            key="bpe-where",
            persist_state="session",
            help=_("Which {excerpt} characters are shown below.", excerpt=EXCERPT),
        )
        start = (len(material.text) - EXCERPT) * percent // 100
    tokenizer = material.replay.tokenizer(n)
    chips = chips_of(material.text[start : start + EXCERPT], tokenizer, allowed_special="all")
    newest = N_BYTES + n - 1 if n else None
    first = next((place for place, chip in enumerate(chips) if chip.id == newest and n), None)
    token_chips(
        chips, "bpe-excerpt", label=_("An excerpt of the text, one button per token"), selected=first, height=260
    )
    found = sum(chip.id == newest for chip in chips) if n else 0
    if n:
        st.caption(
            _("{n_chips:,} tokens here. ", n_chips=len(chips))
            + (
                _("The newest one stands here {found:,} ×; the first is framed.", found=found)
                if found
                else _("The newest one does not occur here.")
            )
        )
    else:
        st.caption(_("{n_chips:,} tokens here: each byte is one.", n_chips=len(chips)))


def _table(replay: Replay, n: int) -> pd.DataFrame:
    steps = replay.steps[max(0, n - 50) : n][::-1]
    return pd.DataFrame(
        {
            N_("merge"): [merge_number(step.new_id) for step in steps],
            N_("left part"): [readable(replay.token_bytes(step.pair[0])) for step in steps],
            N_("right part"): [readable(replay.token_bytes(step.pair[1])) for step in steps],
            N_("new token"): [readable(step.token) for step in steps],
            N_("id"): [step.new_id for step in steps],
            N_("count of the pair"): [step.count for step in steps],
            N_("tokens of the text"): [step.n_tokens for step in steps],
        }
    )


# --- the game ----------------------------------------------------------------------------------------------------


def _ask(film: Film, replay: Replay, n: int) -> None:
    st.markdown(_("**Which pair is merged next?** The most frequent one; of equals the one with the smallest ids."))
    choices = replay.riddle(n)
    for place, pair in enumerate(choices):
        st.button(
            _as_label(pair_name(replay, pair)),
            key=f"bpe-guess-{place}",
            width="stretch",
            help=_("Ids {pair} and {pair_2}", pair=pair[0], pair_2=pair[1]),
            on_click=_guess,
            args=(n, pair),
        )
    _score(film, replay)


def _guess(n: int, pair: Pair) -> None:
    st.session_state[_STATE].guesses.setdefault(n, pair)


def _verdict(film: Film, replay: Replay, n: int, last: int) -> None:
    right, guess = replay.pairs(n)[0], film.guesses[n]
    counts = dict(replay.pairs(n))
    if guess == right[0]:
        st.success(_("Right: this is the most frequent pair."), icon=":material/check_circle:")
    elif counts[guess] == right[1]:
        st.warning(
            _(
                "Nearly: both occur {right:,} times, and of equals the pair with the smaller ids is merged.",
                right=right[1],
            ),
            icon=":material/balance:",
        )
    else:
        st.error(
            _(
                "Not this one: it occurs {counts:,} times, the most frequent pair {right:,} times.",
                counts=counts[guess],
                right=right[1],
            ),
            icon=":material/cancel:",
        )
    _score(film, replay)
    st.button(
        _("Next question"),
        key="bpe-next",
        type="primary",
        icon=":material/skip_next:",
        disabled=n >= last,
        help=_("Make this merge and ask for the one after it."),
        on_click=_move,
        args=(n + 1, last),
    )


def score(film: Film, replay: Replay) -> tuple[int, int, int]:
    """How many guesses were right, how many were made, and how many of the latest were right in a row."""
    verdicts = [replay.pairs(n)[0][0] == pair for n, pair in film.guesses.items()]
    streak = next((place for place, right in enumerate(reversed(verdicts)) if not right), len(verdicts))
    return sum(verdicts), len(verdicts), streak


def _score(film: Film, replay: Replay) -> None:
    right, asked, streak = score(film, replay)
    st.caption(
        _("Score: {right} of {asked} right · {streak} in a row", right=right, asked=asked, streak=streak)
        if asked
        else _("No guess yet.")
    )


def _as_label(text: str) -> str:
    """A button's label is Markdown: every mark that could mean something there is escaped."""
    return "".join(f"\\{c}" if c.isascii() and not c.isalnum() and c != " " else c for c in text)
