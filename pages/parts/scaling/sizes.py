"""Part "Train sizes": a law read from a few small runs, a larger run predicted by it, and the check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import streamlit as st

from engine import power_law, scaling_laws
from engine.errors import EngineError, StoreUnavailable
from engine.language import N_, _, day, number
from engine.power_law import FitError, PowerLaw
from engine.runs import size_series
from engine.runs.records import RunRecord
from engine.runs.size_series import CHECK_WIDTH, CORPORA, STEPS, WIDTHS, ShippedRecords, SizeRun, series_config
from engine.scaling import count_parameters
from engine.scaling_laws import CurvePoint
from pages.parts.scaling.figures import frontier_chart, law_chart
from pages.parts.scaling.source import records_of, shipped, trained
from pages.shared.code_panel import show_code
from pages.shared.errors import sentence
from pages.shared.lesson import exercise, notice
from pages.shared.live import kept_current
from pages.shared.quantities import count, duration
from pages.shared.run_panel import REFRESH_SECONDS, STATES
from pages.shared.tables import show_table
from pages.shared.viewer import lab

SHIPPED, HERE = N_("Shipped records"), N_("Trained here")
BY_SIZE, BY_COMPUTE = N_("By parameters"), N_("By compute")
LINE, FLOOR = N_("Power law"), N_("With a floor")
TEXTS = {"shakespeare": N_("Shakespeare's plays"), "stories": N_("Little stories")}
MAX_SEEDS = 3


def show() -> None:
    """Draw the part."""
    st.markdown(
        _(
            "Models that differ in nothing but their width read the same tokens. Their last losses lie close to a "
            "curve so regular that it can be read beyond its end: the loss of a larger model is known before it is "
            "trained."
        )
    )
    records = shipped()
    controls, figure = st.columns([1, 2.3], gap="large")
    with controls:
        origin = _origin(records)
        widths = _widths()
        runs, check = _from_records(records, widths) if origin == SHIPPED and records else _trained_here(widths)
        view = st.segmented_control(
            _("Look at"),
            [BY_SIZE, BY_COMPUTE],
            default=BY_SIZE,
            required=True,
            key="scaling-view",
            persist_state="session",
            help=_("Loss against parameters, L(N), or against the operations spent so far, L(C)."),
        )
    with figure:
        if view == BY_SIZE:
            _by_size(runs, check, origin == HERE)
        else:
            _by_compute(runs)
        _table(runs)
    notice(
        _(
            "Both axes are logarithmic: a power law is a straight line there. Ten times the parameters take the same "
            "*factor* off the loss wherever one begins."
        ),
        _(
            "The points bend away from a straight line at the right end: every size read the same tokens, and the "
            "larger ones would have had use for more. A floor is the simplest way to describe that."
        ),
        _(
            "The interval grows quickly beyond the points. Kaplan et al. (2020) fitted over many powers of ten; six "
            "sizes within less than two say much less."
        ),
        _(
            "The learning rate of these runs is constant. Had it decayed, only the end of each curve would be the loss "
            "of a whole training, and the points before it would lie too high (Hoffmann et al. 2022)."
        ),
    )
    exercise(
        _(
            "Take the largest size out of the fit and predict again, with and without a floor. Which of the two "
            "intervals still holds the measured loss, and what does the straight line not know?"
        ),
        _(
            "The line is confident and predicts too low a loss: it goes on falling as if every size had as much data "
            "for its size as the small ones. The fit with a floor can bend, but from five points its floor is hardly "
            "known, so its interval is wide. An honest extrapolation needs sizes and data that grow together."
        ),
    )
    show_code(
        power_law.fit_power_law,
        power_law.PowerLaw.interval_at,
        scaling_laws.compute_frontier,
        size_series.series_config,
    )


def _origin(records: ShippedRecords | None) -> str:
    options = [SHIPPED, HERE] if records else [HERE]
    return st.segmented_control(
        _("Measurements"),
        options,
        format_func=_,
        default=options[0],
        required=True,
        key="scaling-origin",
        persist_state="session",
        help=_(
            "Records of these very runs that were measured before and ship with the course, or runs on this server."
        ),
    )


def _widths() -> list[int]:
    chosen = st.pills(
        _("Sizes in the fit (width)"),
        WIDTHS,
        selection_mode="multi",
        format_func=_,
        default=WIDTHS,
        key="scaling-widths",
        persist_state="session",
        wrap=True,
        help=_(
            "d_model of two layers. Twice the width is four times the parameters. A fit needs three sizes, one with a "
            "floor five."
        ),
    )
    return [width for width in WIDTHS if width in chosen]


_SHIPPED_BY = N_("one thread of a machine with two shared cores; seconds are processor time")
"""What the shipped records say of the machine, so that it is translated."""


def _from_records(records: ShippedRecords, widths: list[int]) -> tuple[list[SizeRun], list[SizeRun]]:
    seeds = len({run.config.seed for run in records.runs})
    st.info(
        _(
            "**Shipped records**, not trained on this server: measured on {date} ({machine}), "
            "{ending} a size. Choose **{here}** to measure them yourself.",
            date=day(datetime.strptime(records.date, "%d %B %Y")),
            machine=_(records.machine),
            ending=_("one seed") if seeds == 1 else _("{seeds} seeds", seeds=seeds),
            here=HERE,
        ),
        icon=":material/inventory_2:",
    )
    chosen = [run for run in records.runs if run.width in widths]
    return chosen, [run for run in records.runs if run.width == CHECK_WIDTH]


def _trained_here(widths: list[int]) -> tuple[list[SizeRun], list[SizeRun]]:
    corpus = st.selectbox(
        _("Text"),
        CORPORA,
        format_func=lambda each: _(TEXTS[each]),
        key="scaling-corpus",
        persist_state="session",
        help=_("What every size reads. The stories are written by the course itself and need no package."),
    )
    n_seeds = st.slider(
        _("Seeds"),
        1,
        MAX_SEEDS,
        1,
        key="scaling-seeds",
        persist_state="session",
        help=_(
            "Trains each size so many times, with other weights and another order of the text, to see how much of a "
            "difference is chance."
        ),
    )
    plan = [(width, seed) for seed in range(n_seeds) for width in (*widths, CHECK_WIDTH)]
    configs = {key: series_config(key[0], corpus=corpus, seed=key[1]) for key in plan}
    records = records_of(list(configs.values()))
    wanted = [key for key in plan if key[0] != CHECK_WIDTH]
    missing = [key for key in wanted if _needs_training(records[configs[key].run_id])]
    _train_button(
        _("Train {n_missing} size{ending}", n_missing=len(missing), ending="s" if len(missing) != 1 else "")
        if missing
        else _("All sizes are trained or wait"),
        [(configs[key], _label(*key, corpus)) for key in missing],
        key="scaling-train",
        help=_(
            "Puts the sizes that nobody has trained yet into the queue, the smallest first. Each takes 10 to 60 s on "
            "one core. Runs are shared: what somebody trained is there for all."
        ),
    )
    st.session_state["scaling-check-plan"] = [
        (configs[key], _label(*key, corpus))
        for key in plan
        if key[0] == CHECK_WIDTH and _needs_training(records[configs[key].run_id])
    ]
    waiting = {run_id: record for run_id, record in records.items() if record is not None and record.live}
    if waiting:
        kept_current(_progress, every=REFRESH_SECONDS)(tuple(waiting))
    found = {key: trained(key[0], corpus, key[1], records[configs[key].run_id]) for key in plan}
    return (
        [run for key, run in found.items() if run is not None and key[0] != CHECK_WIDTH],
        [run for key, run in found.items() if run is not None and key[0] == CHECK_WIDTH],
    )


def _label(width: int, seed: int, corpus: str) -> str:
    return _("Scaling · {corpus} · width {width}", corpus=corpus, width=width) + (
        _(" · seed {seed}", seed=seed) if seed else ""
    )


def _needs_training(record: RunRecord | None) -> bool:
    return record is None or record.state in ("paused", "failed")


def _train_button(label: str, orders: list[tuple[object, str]], *, key: str, help: str) -> None:
    st.button(
        _(label),
        key=key,
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not orders,
        on_click=_submit,
        args=(orders,),
        help=_(help),
    )


def _submit(orders: list[tuple[object, str]]) -> None:
    try:
        for config, label in orders:
            lab().submit(config, label)  # type: ignore[arg-type]
    except EngineError as error:
        st.toast(sentence(error), icon=":material/error:")


def _progress(run_ids: tuple[str, ...]) -> None:
    """What is being trained; the whole page is drawn again when one of them has ended."""
    for run_id in run_ids:
        try:
            record = lab().run(run_id)
        except StoreUnavailable:
            raise
        except EngineError:  # deleted meanwhile
            st.rerun()
        if not record.live:
            st.rerun()
        icon, word = STATES[record.state]
        place = (
            _("{step:,} of {steps:,}", step=record.step, steps=STEPS) if record.state != "queued" else _("in the queue")
        )
        st.progress(record.progress, text=f"{icon} {record.label} · {word} · {place}")
    if problem := lab().server_problem():
        st.warning(problem)


@st.cache_data(max_entries=64, show_spinner=False)
def _fit(sizes: tuple[float, ...], losses: tuple[float, ...], floor: bool) -> PowerLaw:
    return power_law.fit_power_law(sizes, losses, floor=floor)


def _by_size(runs: list[SizeRun], check: list[SizeRun], here: bool) -> None:
    n_sizes = len({run.width for run in runs})
    form = st.segmented_control(
        _("Law"),
        [LINE, FLOOR],
        default=FLOOR,
        required=True,
        key="scaling-form",
        persist_state="session",
        help=_(
            "L = a · N^(−α), a straight line here, or L = a · N^(−α) + L∞: what no size removes. A floor needs five "
            "sizes."
        ),
    )
    sizes, losses = tuple(float(run.n_parameters) for run in runs), tuple(run.loss for run in runs)
    try:
        if form == FLOOR and n_sizes < power_law.MIN_POINTS_FLOOR:
            raise FitError(
                _(
                    "A floor needs {min_points_floor} sizes; there are {n_sizes}. Choose more sizes, or the "
                    "plain power law.",
                    min_points_floor=power_law.MIN_POINTS_FLOOR,
                    n_sizes=n_sizes,
                )
            )
        if n_sizes < power_law.MIN_POINTS:
            raise FitError(
                _(
                    "{n_sizes} sizes are measured; a law needs {min_points}. ",
                    n_sizes=n_sizes,
                    min_points=power_law.MIN_POINTS,
                )
                + (_("Press **Train** and watch them arrive.") if here else _("Choose more of them."))
            )
        law = _fit(sizes, losses, form == FLOOR)
    except FitError as error:
        st.info(sentence(error))
        return
    target = series_config(CHECK_WIDTH)
    n_target = float(_size_of(CHECK_WIDTH))
    low, high = law.interval_at(n_target)
    chart = st.container()
    measured = _check(law, check, (low, high), n_target, target.model.n_parameters, here)
    with chart:
        _draw_law(law, runs, measured, n_target, (low, high))


def _size_of(width: int) -> int:
    """Parameters without embeddings of one size of the series."""
    return count_parameters(series_config(width).model).non_embedding


def _draw_law(
    law: PowerLaw, runs: list[SizeRun], check: list[SizeRun], n_target: float, interval: tuple[float, float]
) -> None:
    smallest = min(run.n_parameters for run in runs)
    across = np.geomspace(0.75 * smallest, 1.7 * n_target, 40)
    band = [law.interval_at(x) for x in across]
    line = pd.DataFrame({"x": across, "y": [law.at(x) for x in across], "low": [b[0] for b in band]})
    line["high"] = [b[1] for b in band]
    points = pd.DataFrame(
        [
            (run.n_parameters, run.loss, _("width {width}, seed {seed}", width=run.width, seed=run.config.seed))
            for run in runs
        ],
        columns=["x", "y", "name"],
    )
    low, high = law.exponent_interval
    formula = f"L(N) = {_number(law.coefficient)} · N^(−{number(law.exponent, '.3f')})"
    formula += f" + {number(law.floor, '.2f')}" if law.has_floor else ""
    told = _("the interval of 95 % for the exponent is {low:.3f} to {high:.3f}", low=low, high=high)
    if law.has_floor and (low < 0 or high > 3 * law.exponent):
        told += _(", so wide that these points alone hardly tell it apart from the floor")
    law_chart(
        points,
        line,
        predicted=(n_target, law.at(n_target), *interval),
        checked=[(float(run.n_parameters), run.loss) for run in check],
        floor=law.floor if law.has_floor else 0.0,
        title=_("Loss against size, and the law"),
        x=_("Parameters without embeddings"),
        summary=_("{formula}, from {n_points} runs; {told}.", formula=formula, n_points=law.n_points, told=told),
    ).show()
    st.caption(
        _(
            "The band is where 95 of 100 new runs should fall: from the covariance of the least-squares fit of ln "
            "loss, with Student's t for {freedom} degrees of freedom, and the runs' own spread of {spread:.2f} %. It "
            "supposes that runs deviate independently and that the law itself holds beyond the points, which no "
            "interval can promise: look what the plain power law promises here.",
            freedom=law.freedom,
            spread=100 * law.spread,
        )
    )


def _number(value: float) -> str:
    return number(value, ".3g") if value < 1e4 else number(value, ".1e")


def _check(
    law: PowerLaw,
    check: list[SizeRun],
    interval: tuple[float, float],
    n_target: float,
    n_total: int,
    here: bool,
) -> list[SizeRun]:
    """The prediction beside what was measured; returns the runs that may be shown."""
    st.header(_("Check the prediction"), anchor=False)
    st.markdown(
        _(
            "One more size, width {check_width}: **{n_target} parameters** without embeddings ({n_total} in "
            "all), {n_target_2:.1f} times the largest of the "
            "series. Read the prediction first, then look.",
            check_width=CHECK_WIDTH,
            n_target=count(n_target),
            n_total=count(n_total),
            n_target_2=n_target / max(_size_of(width) for width in WIDTHS),
        )
    )
    shown = check
    if not here and check:
        revealed = st.toggle(
            _("Show what was measured"),
            False,
            key="scaling-reveal",
            persist_state="session",
            help=_("The larger size was trained as well, after the others. Guess first."),
        )
        shown = check if revealed else []
    elif here:
        orders = st.session_state.get("scaling-check-plan", [])
        if orders:
            _train_button(
                _("Train width {check_width} now", check_width=CHECK_WIDTH),
                orders,
                key="scaling-train-check",
                help=_("About a minute and a half on one core that has little else to do."),
            )
    low, high = interval
    with st.container(horizontal=True):
        st.metric(
            _("Predicted loss"), number(law.at(n_target), ".3f"), help=_("Nats per token, by the law above."), width=140
        )
        st.metric(
            _("95 % interval"),
            f"{number(low, '.2f')}–{number(high, '.2f')}",
            help=_("Where one new run should fall."),
            width=190,
        )
        if shown:
            mean = sum(run.loss for run in shown) / len(shown)
            off = mean - law.at(n_target)
            st.metric(
                _("Measured loss"),
                number(mean, ".3f"),
                _("{off:+.3f} from the prediction", off=off),
                delta_color="off",
                delta_arrow="off",
                help=_("Validation loss at the end of the run")
                + (_(", mean of {n_shown}.", n_shown=len(shown)) if len(shown) > 1 else "."),
                width=190,
            )
    if shown:
        inside = all(low <= run.loss <= high for run in shown)
        nearest = min(_size_of(width) for width in WIDTHS)
        if inside:
            st.success(
                _(
                    "The prediction held: {mean:.3f} lies inside the interval, {mean_2:.1%} from the value "
                    "predicted from models as small as {nearest:,} parameters.",
                    mean=mean,
                    mean_2=abs(off) / mean,
                    nearest=nearest,
                ),
                icon=":material/check_circle:",
            )
        else:
            st.warning(
                _(
                    "The prediction failed: {mean:.3f} lies outside the interval. The law that was fitted does not "
                    "hold up to this size; try the other form.",
                    mean=mean,
                ),
                icon=":material/block:",
            )
    return shown


def _mean_curves(runs: list[SizeRun]) -> list[CurvePoint]:
    """One curve a width: the mean of its seeds at each evaluation."""
    by_width: dict[int, list[SizeRun]] = {}
    for run in runs:
        by_width.setdefault(run.width, []).append(run)
    means = []
    for width, each in by_width.items():
        for together in zip(*(run.points(str(width)) for run in each), strict=False):
            loss = sum(point.loss for point in together) / len(together)
            means.append(CurvePoint(str(width), together[0].flops, loss))
    return means


@st.cache_data(max_entries=64, show_spinner=False)
def _frontier(
    points: tuple[tuple[str, float, float], ...],
) -> tuple[list[CurvePoint], PowerLaw, tuple[float, float] | None]:
    curves = [CurvePoint(*each) for each in points]
    law, spread = scaling_laws.fit_frontier(curves)
    return scaling_laws.compute_frontier(curves), law, spread


def _by_compute(runs: list[SizeRun]) -> None:
    points = _mean_curves(runs)
    try:
        frontier, law, spread = _frontier(tuple((p.run, p.flops, p.loss) for p in points))
    except FitError:
        st.info(_("The frontier needs at least three sizes that are trained: choose or train more."))
        return
    first, last = min(p.flops for p in points), max(p.flops for p in points)
    across = np.geomspace(first, 2.5 * last, 30)
    told = (
        _(", {spread:.3f} to {spread_2:.3f} when one size in turn is left out", spread=spread[0], spread_2=spread[1])
        if spread
        else ""
    )
    ahead = list(dict.fromkeys(point.run for point in frontier))
    frontier_chart(
        _frame(points),
        _frame(frontier),
        pd.DataFrame({"x": across, "y": [law.at(x) for x in across]}),
        title=_("Loss against compute while each size trains"),
        summary=_(
            "L(C) = {number} · C^(−{exponent:.3f}){told}. Ahead, with growing compute: width {join}.",
            number=_number(law.coefficient),
            exponent=law.exponent,
            told=told,
            join=_(", then ").join(ahead),
        ),
    ).show()
    st.caption(
        _(
            "Diamonds: the least loss that any size had reached after so many operations, where at least two sizes can "
            "be compared. The dotted line is the law through them. They come from few curves and are no independent "
            "points, so the range by leaving out one size stands in for an interval. C is the exact count of the "
            "model's matrix products, three times the forward pass."
        )
    )


def _frame(points: Sequence[CurvePoint]) -> pd.DataFrame:
    return pd.DataFrame([(p.flops, p.loss, p.run) for p in points], columns=["x", "y", "name"])


def _table(runs: list[SizeRun]) -> None:
    shown = sorted(runs, key=lambda run: (run.width, run.config.seed))
    if not shown:
        return
    with st.expander(_("As a table"), icon=":material/table:"):
        show_table(
            pd.DataFrame(
                [
                    {
                        N_("width"): run.width,
                        N_("seed"): run.config.seed,
                        N_("N without embeddings"): run.n_parameters,
                        N_("all parameters"): run.n_total,
                        N_("tokens read"): run.tokens,
                        N_("tokens per parameter"): run.tokens / run.n_parameters,
                        N_("FLOPs, exact"): number(run.flops, ".2e"),
                        N_("FLOPs, 6 N D"): number(run.rule_of_thumb, ".2e"),
                        N_("loss"): run.loss,
                        N_("perplexity"): math.exp(run.loss),
                        N_("training"): duration(run.seconds),
                    }
                    for run in shown
                ]
            ),
            hide_index=True,
            width="stretch",
            column_config={
                "loss": st.column_config.NumberColumn(format="%.4f"),
                "perplexity": st.column_config.NumberColumn(format="%.1f"),
                N_("tokens per parameter"): st.column_config.NumberColumn(format="%.1f"),
                **{
                    name: st.column_config.NumberColumn(format="localized")
                    for name in (_("N without embeddings"), _("all parameters"), _("tokens read"))
                },
            },
        )
        st.caption(
            _(
                "N as in Kaplan et al. (2020): what the blocks and the last norm hold. In models as small as these the "
                "embedding is a large part, which is why both counts of FLOPs differ so much: 6 N D leaves out the "
                "head."
            )
        )
