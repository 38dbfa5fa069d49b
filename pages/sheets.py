"""Lesson sheets: each lesson on two pages to print, one for the class and one for the teacher."""

import streamlit as st

from engine.language import _, kept
from engine.lesson_sheet import to_html
from pages.guides import GUIDES
from pages.parts.sheets.sheet import sheet_of
from pages.shared import guard, scenes, sitemap
from pages.shared.components.paper import paper
from pages.shared.errors import shown_errors

guard.ensure()

st.title(_("Lesson sheets"), anchor=False)
st.markdown(
    _(
        "Each lesson on paper: goal, steps, what to notice and questions for the class on the first page; on the "
        "second, for the teacher, the numbers to expect, measured on this server now, and the answers."
    )
)
lessons = {lesson.url_path: lesson for lesson in sitemap.lessons() if lesson.url_path in GUIDES}
addresses = {url_path: scenes.address_of(url_path) for url_path in lessons}
with shown_errors():
    chosen = st.selectbox(
        _("Lesson"),
        list(lessons),
        format_func=lambda url_path: _(lessons[url_path].title),
        key="sheets-lesson",
        persist_state="session",
        help=_("Its sheets are shown below."),
    )
    page = to_html([sheet_of(lessons[chosen], addresses[chosen])])
    with st.container(horizontal=True):
        st.download_button(
            _("Save this lesson"),
            page.encode("utf-8"),
            file_name=f"lesson-{chosen}.html",
            mime="text/html",
            icon=":material/download:",
            key="sheets-one",
            type="primary",
            on_click="ignore",
            help=_("One file that needs no network. Open it in a browser and print it on A4."),
        )
        st.download_button(
            _("Save all lessons"),
            data=kept(lambda: to_html([sheet_of(lessons[each], addresses[each]) for each in lessons]).encode("utf-8")),
            file_name="lessons.html",
            mime="text/html",
            icon=":material/download:",
            key="sheets-all",
            on_click="ignore",
            help=_("All lessons in one file; what has to be measured first takes some seconds."),
        )
    paper(page, "sheets-paper", label=_("The sheets of {title}", title=lessons[chosen].title), height=900)
