"""What guides a learner through each lesson: steps with checks, and a quiz."""

from pages.guides import (
    attention,
    classification,
    data,
    embeddings,
    evaluation,
    foundation,
    generation,
    instructions,
    journey,
    pipeline,
    pretraining,
    scaling,
    tokenization,
    transformer,
    translation,
)
from pages.shared.guide import Guide

GUIDES: dict[str, Guide] = {
    "pipeline": pipeline.GUIDE,
    "data": data.GUIDE,
    "tokenization": tokenization.GUIDE,
    "embeddings": embeddings.GUIDE,
    "pretraining": pretraining.GUIDE,
    "scaling": scaling.GUIDE,
    "foundation": foundation.GUIDE,
    "attention": attention.GUIDE,
    "transformer": transformer.GUIDE,
    "journey": journey.GUIDE,
    "translation": translation.GUIDE,
    "classification": classification.GUIDE,
    "instructions": instructions.GUIDE,
    "generation": generation.GUIDE,
    "evaluation": evaluation.GUIDE,
}
"""By the address of the lesson, in the lessons' order."""
