"""The one list of lessons, in lesson order; the navigation and the deep-link guard both read it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.language import N_, _

LESSON = "guide:lesson"
"""Under this name the session holds the address of the open lesson."""
PAGES_FOLDER = Path(__file__).resolve().parents[1]
ICON = Path(__file__).with_name("icon.svg")  # a file of our own: Streamlit fetches named favicons from the network


@dataclass(frozen=True)
class Lesson:
    """One page: its file inside `pages/`, the title in the navigation, its icon and its address."""

    file: str
    title: str
    icon: str
    url_path: str

    @property
    def path(self) -> Path:
        """The page's file, absolute: it resolves from whichever script was started."""
        return PAGES_FOLDER / self.file

    @property
    def address(self) -> str:
        """What stands in the address after the slash: nothing for the first lesson, whatever its `url_path`."""
        return "" if self == lessons()[0] else self.url_path


SECTIONS: dict[str, tuple[Lesson, ...]] = {
    N_("Start"): (Lesson("home.py", N_("The pipeline"), ":material/account_tree:", "pipeline"),),
    N_("Stage 1 · Pretraining"): (
        Lesson("data.py", N_("Data"), ":material/library_books:", "data"),
        Lesson("tokenization.py", N_("Tokenization"), ":material/content_cut:", "tokenization"),
        Lesson("embeddings.py", N_("Windows and embeddings"), ":material/grid_on:", "embeddings"),
        Lesson("pretraining.py", N_("Pretraining"), ":material/model_training:", "pretraining"),
        Lesson("scaling.py", N_("Scaling"), ":material/trending_up:", "scaling"),
        Lesson("foundation.py", N_("Foundation model"), ":material/psychology:", "foundation"),
    ),
    N_("Inside the model"): (
        Lesson("attention.py", N_("Attention"), ":material/visibility:", "attention"),
        Lesson("transformer.py", N_("Anatomy"), ":material/layers:", "transformer"),
        Lesson("journey.py", N_("One prompt, whole way"), ":material/route:", "journey"),
        Lesson("translation.py", N_("The original transformer"), ":material/translate:", "translation"),
    ),
    N_("Stage 2 · Fine-tuning"): (
        Lesson("classification.py", N_("Classification"), ":material/label:", "classification"),
        Lesson("instructions.py", N_("Instructions"), ":material/forum:", "instructions"),
    ),
    N_("Use it"): (
        Lesson("generation.py", N_("Generation"), ":material/edit_note:", "generation"),
        Lesson("evaluation.py", N_("Evaluation"), ":material/speed:", "evaluation"),
    ),
    N_("Around it"): (
        Lesson("glossary.py", N_("Glossary"), ":material/menu_book:", "glossary"),
        Lesson("progress.py", N_("Your progress"), ":material/trophy:", "progress"),
        Lesson("sheets.py", N_("Lesson sheets"), ":material/print:", "sheets"),
        Lesson("board.py", N_("Class board"), ":material/groups:", "board"),
    ),
}


def lessons() -> list[Lesson]:
    """Every lesson in order."""
    return [lesson for section in SECTIONS.values() for lesson in section]


def has_lesson(url_path: str) -> bool:
    """Whether a lesson with this address exists."""
    return any(lesson.url_path == url_path for lesson in lessons())


def navigation_pages(*, icons: bool = True) -> dict[str, list[Any]]:
    """The sections as `st.navigation` wants them; the first lesson is the one that opens at the root."""
    titles = tuple(_(lesson.title) for lesson in lessons())
    made = _made_pages(titles, icons, get_script_run_ctx(suppress_warning=True) is not None)
    # Every run gets pages of its own: Streamlit notes in them which one was opened.
    return {_(section): [copy.copy(page) for page in pages] for section, pages in made.items()}


@st.cache_resource(show_spinner=False)
def _made_pages(titles: tuple[str, ...], icons: bool, in_script: bool) -> dict[str, list[Any]]:
    """Made once: Streamlit looks for each page's file on the disk, a tenth of the time that a page takes in all."""
    first, title_of = lessons()[0], dict(zip(lessons(), titles, strict=True))
    return {
        section: [
            st.Page(
                lesson.path,
                title=title_of[lesson],
                icon=lesson.icon if icons else None,
                url_path=lesson.url_path,
                default=lesson == first,
            )
            for lesson in members
        ]
        for section, members in SECTIONS.items()
    }


def open_lesson(url_path: str) -> None:
    """Go to the lesson with this address; raises `KeyError` when there is none."""
    for lesson in lessons():
        if lesson.url_path == url_path:
            # An empty mapping, not None: None refuses while a widget of this page is bound to the address.
            st.switch_page(lesson.path, query_params={})
            return
    raise KeyError(f"There is no lesson {url_path!r}; lessons are {[each.url_path for each in lessons()]}.")
