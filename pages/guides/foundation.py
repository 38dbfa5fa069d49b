"""The guide of Foundation model."""

from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "continue",
            "Let it go on",
            "Give the foundation model the beginning of a story, of a scene and of a phrase. Does it answer, or "
            "continue?",
            part="The model",
        ),
        Step(
            "probe",
            "Measure what nobody taught",
            "Measure the abilities with at least 40 items each. Which intervals leave chance behind?",
            part="Untaught abilities",
            check=lambda: model_checks.probe_measured(40),
        ),
        Step(
            "early",
            "Measure it younger",
            "Measure the last checkpoint, then an early one of the same model that can do less.",
            part="Untaught abilities",
            check=lambda: model_checks.ability_grew(),
        ),
        Step(
            "shots",
            "Show it examples",
            "Compare zero-shot with eight examples in the prompt. Do they help a model of this size?",
            part="Few-shot",
        ),
        Step(
            "ablation",
            "Take a text away",
            "Compare two models, one of which has never read one of the texts: which ability went with it?",
            part="Ablation",
        ),
    ),
    questions=(
        Question(
            "few",
            "What changes in the weights of a model that is shown five solved examples in its prompt?",
            ("Nothing.", "Only its last layer.", "All of them, a little."),
            0,
            (
                "Few-shot means conditioning, not training: what changes is what attention can look at.",
                "No gradient is computed, so no layer learns.",
                "That would be fine-tuning.",
            ),
        ),
        Question(
            "zero",
            "“Translate to German: cheese ->” and nothing before it. What is that called?",
            ("Few-shot.", "Zero-shot.", "Supervised fine-tuning."),
            1,
            (
                "For that, solved examples would stand before it.",
                "A task is described, without a single example of it.",
                "No weight is trained here.",
            ),
        ),
        Question(
            "emergent",
            "Why can GPT-3 translate, though nobody trained it to?",
            (
                "Its makers gave it labelled pairs of sentences in many languages before they released it.",
                "It contains a dictionary.",
                "Predicting the next token of text in which translations occur teaches it on the way.",
            ),
            2,
            (
                "There were no such labels in pretraining.",
                "No part of it was built as one; what it knows is in its weights.",
                "About 7 % of GPT-3's words were not English, and some texts hold both languages side by side.",
            ),
        ),
        Question(
            "chance",
            "A model picks the right one of four endings in 11 of 40 items. What does that show?",
            (
                "Hardly anything: chance alone gives about 10.",
                "That it has the ability, though not as much of it as it could have.",
                "That it is worse than chance.",
            ),
            0,
            (
                "27.5 % with an interval from 16 to 43 % holds the 25 % of chance.",
                "For that its interval would have to lie above 25 %.",
                "11 is more than the 10 of chance, though not by more than luck.",
            ),
        ),
    ),
)
