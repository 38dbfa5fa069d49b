"""One lesson's sheet, put together from its guide, its page and what is measured here."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.language import _, moment
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
        steps=tuple((plain(_(step.title)), plain(_(step.text)), _(step.part or "")) for step in guide.steps),
        notice=notices_of(lesson),
        numbers=numbers_of(lesson.url_path),
        questions=tuple(
            Asked(
                plain(_(each.text)),
                tuple(plain(_(answer)) for answer in each.answers),
                each.right,
                tuple(plain(_(why)) for why in each.why),
            )
            for each in guide.questions
        ),
        address=address,
        printed=moment(datetime.now(UTC)),
    )
