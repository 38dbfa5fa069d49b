"""The course's entry point: page settings, the engine's imports, the navigation."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch reads it when it is first imported

import gc
import sys
from pathlib import Path

import streamlit as st
from threadpoolctl import threadpool_limits

from engine.language import N_, _
from pages.shared import door, guard, guide, projector, reader, scenes, sitemap, turns, viewer
from pages.shared.components.browser_key import keep_browser_key
from pages.shared.components.figure_saver import mount_figure_saver
from pages.shared.errors import shown_errors

reader.begin()
st.set_page_config(
    page_title=_("How a large language model is built"),
    page_icon=str(sitemap.ICON),
    layout="wide",
    menu_items={"About": _("How a large language model is built: a course on models that you train yourself.")},
)


@st.cache_resource(show_spinner=N_("Starting the engine …"))
def start_engine() -> None:
    """Import what every lesson needs, once, and take it out of the garbage collector's way."""
    import engine.generation  # noqa: F401
    from pages.shared import examples, warm_up

    examples.example_run()  # also the first call of the run service: its workers warm up while the learner reads
    examples.example_foundation()
    examples.example_translator()
    sys.setswitchinterval(0.001)  # a click waits for its turn among threads that compute: not 5 ms each time
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # a page makes many small objects; looking through them took a tenth of it
    threadpool_limits(1, "blas")  # NumPy's own threads: beside a training two that wait for each other are slower
    warm_up.begin()


for style in ("contrast.css", "room.css"):
    st.html(Path(__file__).parent / "pages" / "shared" / style)
started = False
with shown_errors(_("open the course")):
    start_engine()
    started = True
guard.mark_opened()
page = st.navigation(sitemap.navigation_pages(), expanded=True)  # all of it, also above what else is there
if not started:  # it was said why; after a reload it may be otherwise
    st.stop()
door.keep_out_if_full()
st.session_state[sitemap.LESSON] = page.url_path or sitemap.lessons()[0].url_path
with turns.PAGES.one(), shown_errors(_("show this page")):
    scenes.arrive(st.session_state[sitemap.LESSON])
    projector.show_toggle()
    reader.choose_language()
    mount_figure_saver()
    page.run()
    guide.show_quiz()
    viewer.note_presence(st.session_state[sitemap.LESSON], (st.session_state.get("part") or "")[:])
if not viewer.brings_key():
    keep_browser_key(viewer.COOKIE, viewer.browser_key())
