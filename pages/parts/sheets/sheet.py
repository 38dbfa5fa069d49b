"""One lesson's sheet, put together from its guide, its page and what is measured here."""

from __future__ import annotations

import time

from engine.lesson_sheet import Asked, Sheet
from pages.guides import GUIDES
from pages.parts.sheets.numbers import numbers_of
from pages.parts.sheets.words import goal_of, notices_of, plain
from pages.shared.sitemap import Lesson


def sheet_of(lesson: Lesson, address: str) -> Sheet:
    """All that stands on the sheets of a lesson, which `address` opens; its numbers are measured now."""
    guide = GUIDES[lesson.url_path]
    goal, minutes = goal_of(lesson)
    return Sheet(
        title=lesson.title,
        goal=goal,
        minutes=minutes,
        steps=tuple((plain(step.title), plain(step.text), step.part or "") for step in guide.steps),
        notice=notices_of(lesson),
        numbers=numbers_of(lesson.url_path),
        questions=tuple(
            Asked(plain(each.text), tuple(map(plain, each.answers)), each.right, tuple(map(plain, each.why)))
            for each in guide.questions
        ),
        address=address,
        printed=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )
