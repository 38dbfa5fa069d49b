"""A page with one chart: eight recorded runs over one another, by step or by seconds."""

import pandas as pd
import streamlit as st

from engine.runs.service import RunService
from engine.settings import Settings
from pages.parts.pretraining import race_figures
from tests.benchmarks.test_overlay_benchmark import points

st.set_page_config(layout="wide")


@st.cache_resource
def frame() -> pd.DataFrame:
    """The runs in the data folder, two to a lane."""
    service = RunService(Settings.from_environment(), start=False)
    run_ids = [record.run_id for record in service.runs()]
    found = points(service, run_ids)
    found["lane"] = [f"lane {run_ids.index(run) // 2}" for run in found["run"]]
    return found


x = st.radio("Axis", ["step", "seconds"], key="axis")
race_figures.overlay(
    frame(), [f"lane {n}" for n in range(4)], x=x, unit="nats per token", goal=3.0, reached=[], summary=""
).show()
