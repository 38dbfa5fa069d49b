"""The tables of learners and their progress, in the same store as the runs."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Integer, String, Table, Text

from engine.runs.tables import metadata

learners = Table(
    "learners",
    metadata,
    Column("learner", String(32), primary_key=True),
    Column("name", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False, index=True),
    Column("lesson", String(64), nullable=False, default=""),
    Column("part", Text, nullable=False, default=""),
    Column("teacher_until", Float, nullable=False, default=0.0),
)

progress = Table(
    "progress",
    metadata,
    Column("learner", String(32), primary_key=True),
    Column("lesson", String(64), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("at", Float, nullable=False),
)

scenes = Table(
    "scenes",
    metadata,
    Column("scene", String(16), primary_key=True),
    Column("learner", String(32), nullable=False, index=True),
    Column("by_teacher", Boolean, nullable=False),
    Column("lesson", String(64), nullable=False),
    Column("part", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("created_at", Float, nullable=False, index=True),
)
"""The state of a page that a link brings back."""
