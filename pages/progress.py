"""Your progress: what a learner has done in every lesson, under which name, and how to take it along or remove it."""

import json

import streamlit as st

from engine.classroom.learners import MAX_NAME
from engine.language import _
from pages.guides import GUIDES
from pages.shared import guard, sitemap, viewer

guard.ensure()


def rename() -> None:
    """The name that was typed is this learner's from now on."""
    viewer.learners().rename(viewer.learner(), st.session_state["own-name"])


def forget() -> None:
    """Remove all that is known of this learner."""
    viewer.learners().forget(viewer.learner())
    for name in [name for name in st.session_state if str(name).startswith("guide")]:
        del st.session_state[name]
    st.session_state.pop("own-name", None)
    st.toast(_("Your name and progress are removed."), icon=":material/delete:")


st.title(_("Your progress"), anchor=False)
st.markdown(
    _(
        "The course knows this browser by a random key, nothing else: there is no account. Steps and answers are kept "
        "under that key, so that you find them again. Runs are kept apart and stay."
    )
)
known = viewer.learners().get(viewer.learner())
if "own-name" not in st.session_state:
    st.session_state["own-name"] = known.name if known else ""
st.text_input(
    _("Your name"),
    key="own-name",
    max_chars=MAX_NAME,
    on_change=rename,
    placeholder=_("A name or a nickname, if you like"),
    help=_("The class board shows it to your teacher instead of a number. Leave it empty to stay without one."),
)
marks = viewer.learners().marks(viewer.learner())
titles = {lesson.url_path: lesson for lesson in sitemap.lessons()}
st.header(_("Lessons"), anchor=False)
for url_path, guide in GUIDES.items():
    own = {mark.item: mark.value for mark in marks if mark.lesson == url_path}
    n_steps = sum(step.item in own for step in guide.steps)
    right = [own[q.item] for q in guide.questions if isinstance(own.get(q.item), dict)]
    n_right = sum(bool(answer.get("right")) for answer in right)
    total = len(guide.steps) + len(guide.questions)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.progress(
            (n_steps + n_right) / max(total, 1),
            text=_(
                "**{title}** · {n_steps} of {n_steps_2} steps · {n_right} of {n_questions} questions right",
                title=_(titles[url_path].title),
                n_steps=n_steps,
                n_steps_2=len(guide.steps),
                n_right=n_right,
                n_questions=len(guide.questions),
            ),
        )
        if st.button(
            _("Open"),
            key=f"progress-open-{url_path}",
            help=_("Opens the lesson “{title}”.", title=_(titles[url_path].title)),
        ):
            sitemap.open_lesson(url_path)
if not marks:
    st.info(_("Nothing is ticked off yet. Every lesson has its steps at the top and a quiz at the end."))
st.header(_("Take it along"), anchor=False)
with st.container(horizontal=True):
    st.download_button(
        _("Download my progress"),
        json.dumps([{"lesson": m.lesson, "item": m.item, "result": m.value, "at": m.at} for m in marks], indent=1),
        "progress.json",
        "application/json",
        icon=":material/download:",
        disabled=not marks,
        help=_("All steps and answers of yours as JSON."),
        on_click="ignore",
    )
    with st.popover(_("Remove everything"), icon=":material/delete:", help=_("Removes your name, steps and answers.")):
        st.markdown(_("Your name, steps and answers are removed for good. Runs that you trained stay."))
        st.button(_("Yes, remove them"), key="forget-me", type="primary", on_click=forget)
