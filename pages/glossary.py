"""The glossary: every term of the course, found by typing, each with the lesson about it."""

import streamlit as st

from engine.language import _
from pages.shared import guard, sitemap
from pages.shared.glossary import TERMS, anchor

guard.ensure()

st.title(_("Glossary"), anchor=False)
st.markdown(
    _(
        "The terms of the field, as the course uses them. In every lesson a linked term shows its meaning when you "
        "point at it, and leads here by a click or Enter."
    )
)
wanted = st.text_input(
    _("Find a term"),
    key="term",
    bind="query-params",
    live=True,
    max_chars=60,
    placeholder=_("token, loss, LoRA …"),
    help=_("Shows the terms whose name or meaning holds these letters."),
)
letters = (wanted or "").strip().lower()
exact = [term for term in TERMS if anchor(term.name) == letters]
found = exact or [
    term for term in TERMS if letters in " ".join((term.name, *term.forms, anchor(term.name), term.meaning)).lower()
]
if not found:
    st.info(_("No term has these letters: try fewer of them."))
elif letters:
    st.caption(_("{n_found} of {n_terms} terms", n_found=len(found), n_terms=len(TERMS)))
titles = {lesson.url_path: lesson.title for lesson in sitemap.lessons()}
for term in sorted(found, key=lambda each: each.name.lower()):
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{term.name}** · {term.meaning}", width="stretch")
        if st.button(
            _(titles[term.lesson]),
            key=f"to:{term.name}",
            help=_("Opens the lesson “{titles}”.", titles=_(titles[term.lesson])),
        ):
            sitemap.open_lesson(term.lesson)
