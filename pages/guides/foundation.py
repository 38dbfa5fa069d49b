"""The guide of Foundation model."""

from engine.language import N_
from pages.guides import model_checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "continue",
            N_("Let it go on"),
            N_(
                "Give the foundation model the beginning of a story, of a scene and of a phrase. Does it answer, or "
                "continue?"
            ),
            part=N_("The model"),
        ),
        Step(
            "probe",
            N_("Measure what nobody taught"),
            N_("Measure the abilities with at least 40 items each. Which intervals leave chance behind?"),
            part=N_("Untaught abilities"),
            check=lambda: model_checks.probe_measured(40),
        ),
        Step(
            "early",
            N_("Measure it younger"),
            N_("Measure the last checkpoint, then an early one of the same model that can do less."),
            part=N_("Untaught abilities"),
            check=lambda: model_checks.ability_grew(),
        ),
        Step(
            "shots",
            N_("Show it examples"),
            N_("Compare zero-shot with eight examples in the prompt. Do they help a model of this size?"),
            part="Few-shot",
        ),
        Step(
            "ablation",
            N_("Take a text away"),
            N_("Compare two models, one of which has never read one of the texts: which ability went with it?"),
            part=N_("Ablation"),
        ),
    ),
    questions=(
        Question(
            "few",
            N_("What changes in the weights of a model that is shown five solved examples in its prompt?"),
            (N_("Nothing."), N_("Only its last layer."), N_("All of them, a little.")),
            0,
            (
                N_("Few-shot means conditioning, not training: what changes is what attention can look at."),
                N_("No gradient is computed, so no layer learns."),
                N_("That would be fine-tuning."),
            ),
        ),
        Question(
            "zero",
            N_("“Translate to German: cheese ->” and nothing before it. What is that called?"),
            (N_("Few-shot."), N_("Zero-shot."), N_("Supervised fine-tuning.")),
            1,
            (
                N_("For that, solved examples would stand before it."),
                N_("A task is described, without a single example of it."),
                N_("No weight is trained here."),
            ),
        ),
        Question(
            "emergent",
            N_("Why can GPT-3 translate, though nobody trained it to?"),
            (
                N_("Its makers gave it labelled pairs of sentences in many languages before they released it."),
                N_("It contains a dictionary."),
                N_("Predicting the next token of text in which translations occur teaches it on the way."),
            ),
            2,
            (
                N_("There were no such labels in pretraining."),
                N_("No part of it was built as one; what it knows is in its weights."),
                N_("About 7 % of GPT-3's words were not English, and some texts hold both languages side by side."),
            ),
        ),
        Question(
            "chance",
            N_("A model picks the right one of four endings in 11 of 40 items. What does that show?"),
            (
                N_("Hardly anything: chance alone gives about 10."),
                N_("That it has the ability, though not as much of it as it could have."),
                N_("That it is worse than chance."),
            ),
            0,
            (
                N_("27.5 % with an interval from 16 to 43 % holds the 25 % of chance."),
                N_("For that its interval would have to lie above 25 %."),
                N_("11 is more than the 10 of chance, though not by more than luck."),
            ),
        ),
    ),
)
