"""The guide of Instruction fine-tuning."""

from engine.language import N_
from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "template",
            N_("Read an example as the model does"),
            N_("Find the instruction, the answer and the end-of-text token, and see which of them the loss counts."),
            part=N_("Data and template"),
        ),
        Step(
            "train",
            N_("Teach it to answer"),
            N_(
                "Fine-tune the foundation model so that it has more exact matches on held-out questions than at its "
                "beginning."
            ),
            part=N_("Train it"),
            check=lambda: checks.answers_better(),
        ),
        Step(
            "ask",
            N_("Ask both models"),
            N_("Put the same question to the pretrained and the fine-tuned model. Which one knows when to stop?"),
            part=N_("Ask it"),
        ),
        Step(
            "invented",
            N_("Catch it inventing"),
            N_("Ask for something that it was never told. How sure does its answer sound?"),
            part=N_("Ask it"),
        ),
        Step(
            "mark",
            N_("Mark answers yourself"),
            N_("Mark some answers before you see the scores. Where do you and exact match disagree?"),
            part=N_("Mark it yourself"),
        ),
        Step(
            "forgotten",
            N_("Measure what it forgot"),
            N_("Compare the loss on the text of pretraining before and after. Which source suffered most?"),
            part=N_("How much better?"),
        ),
    ),
    questions=(
        Question(
            "base",
            N_(
                "A base model is asked “What is the capital of France?” It goes on with “What is the capital of "
                "Spain?” Why?"
            ),
            (
                N_("It does not know the answer, and changes the subject to hide that."),
                N_("It continues text, and lists of questions are text too."),
                N_("Its temperature is too low."),
            ),
            1,
            (
                N_("It may well know it, and hides nothing: nothing has taught it that a question is to be answered."),
                N_("Fine-tuning on pairs of instruction and answer teaches it the form."),
                N_("The temperature changes which continuation is drawn, not that it is one."),
            ),
        ),
        Question(
            "mask",
            N_("Why are the tokens of the prompt left out of the loss?"),
            (
                N_("It is to learn answers, not questions."),
                N_("They are so long that the answer would count for little."),
                N_("They are not read by the model."),
            ),
            0,
            (
                N_("They are read as context, but their targets do not count."),
                N_("Even a short prompt is left out."),
                N_("They are read: without them there would be nothing to answer."),
            ),
        ),
        Question(
            "facts",
            N_(
                "An airline fine-tunes a model on 1,000 answers about its fares. It is asked for a fare that is in "
                "none of them. What is to be expected?"
            ),
            (
                N_("It refuses, since it knows that it does not know."),
                N_("It looks the fare up."),
                N_("It invents one, in the same tone as a true one."),
            ),
            2,
            (
                N_("Nothing in this training has taught it to refuse."),
                N_("A model by itself has no connection to any table."),
                N_("It has learned the form of an answer. The fact must come from training or from the prompt."),
            ),
        ),
        Question(
            "lora",
            N_("What does LoRA train?"),
            (
                N_("All weights, at a lower rate."),
                N_("Two thin matrices beside each of the frozen ones."),
                N_("Only the prompt."),
            ),
            1,
            (
                N_("The pretrained weights stay as they are."),
                N_("Their product is an update of low rank: few numbers to learn, and a small file to keep."),
                N_("That is another method, prompt tuning."),
            ),
        ),
        Question(
            "telecom",
            N_("A telecom company reports that its fine-tuned model is 35 % better. What do you have to ask first?"),
            (
                N_("By which score, on how many held-out questions, and better than what."),
                N_("How many parameters it has."),
                N_("Which GPU it was trained on."),
            ),
            0,
            (
                N_("A relative number without its base and its interval can mean nearly anything."),
                N_("That tells its cost, not how good it is."),
                N_("The answers do not depend on it."),
            ),
        ),
    ),
)
