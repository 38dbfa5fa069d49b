"""The tables of learners and their progress, in the same store as the runs."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, String, Table, Text

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
