"""What guides a learner through each lesson: steps with checks, and a quiz."""

from pages.guides import attention, pretraining
from pages.shared.guide import Guide

GUIDES: dict[str, Guide] = {
    "pretraining": pretraining.GUIDE,
    "attention": attention.GUIDE,
}
"""By the address of the lesson."""
