"""The guide of Instruction fine-tuning."""

from pages.guides import checks
from pages.shared.guide import Guide, Question, Step

GUIDE = Guide(
    steps=(
        Step(
            "template",
            "Read an example as the model does",
            "Find the instruction, the answer and the end-of-text token, and see which of them the loss counts.",
            part="Data and template",
        ),
        Step(
            "train",
            "Teach it to answer",
            "Fine-tune the foundation model so that it has more exact matches on held-out questions than at its "
            "beginning.",
            part="Train it",
            check=lambda: checks.answers_better(),
        ),
        Step(
            "ask",
            "Ask both models",
            "Put the same question to the pretrained and the fine-tuned model. Which one knows when to stop?",
            part="Ask it",
        ),
        Step(
            "invented",
            "Catch it inventing",
            "Ask for something that it was never told. How sure does its answer sound?",
            part="Ask it",
        ),
        Step(
            "mark",
            "Mark answers yourself",
            "Mark some answers before you see the scores. Where do you and exact match disagree?",
            part="Mark it yourself",
        ),
        Step(
            "forgotten",
            "Measure what it forgot",
            "Compare the loss on the text of pretraining before and after. Which source suffered most?",
            part="How much better?",
        ),
    ),
    questions=(
        Question(
            "base",
            "A base model is asked “What is the capital of France?” It goes on with “What is the capital of Spain?” "
            "Why?",
            (
                "It does not know the answer, and changes the subject to hide that.",
                "It continues text, and lists of questions are text too.",
                "Its temperature is too low.",
            ),
            1,
            (
                "It may well know it, and hides nothing: nothing has taught it that a question is to be answered.",
                "Fine-tuning on pairs of instruction and answer teaches it the form.",
                "The temperature changes which continuation is drawn, not that it is one.",
            ),
        ),
        Question(
            "mask",
            "Why are the tokens of the prompt left out of the loss?",
            (
                "It is to learn answers, not questions.",
                "They are so long that the answer would count for little.",
                "They are not read by the model.",
            ),
            0,
            (
                "They are read as context, but their targets do not count.",
                "Even a short prompt is left out.",
                "They are read: without them there would be nothing to answer.",
            ),
        ),
        Question(
            "facts",
            "An airline fine-tunes a model on 1,000 answers about its fares. It is asked for a fare that is in none of "
            "them. What is to be expected?",
            (
                "It refuses, since it knows that it does not know.",
                "It looks the fare up.",
                "It invents one, in the same tone as a true one.",
            ),
            2,
            (
                "Nothing in this training has taught it to refuse.",
                "A model by itself has no connection to any table.",
                "It has learned the form of an answer. The fact must come from training or from the prompt.",
            ),
        ),
        Question(
            "lora",
            "What does LoRA train?",
            (
                "All weights, at a lower rate.",
                "Two thin matrices beside each of the frozen ones.",
                "Only the prompt.",
            ),
            1,
            (
                "The pretrained weights stay as they are.",
                "Their product is an update of low rank: few numbers to learn, and a small file to keep.",
                "That is another method, prompt tuning.",
            ),
        ),
        Question(
            "telecom",
            "A telecom company reports that its fine-tuned model is 35 % better. What do you have to ask first?",
            (
                "By which score, on how many held-out questions, and better than what.",
                "How many parameters it has.",
                "Which GPU it was trained on.",
            ),
            0,
            (
                "A relative number without its base and its interval can mean nearly anything.",
                "That tells its cost, not how good it is.",
                "The answers do not depend on it.",
            ),
        ),
    ),
)
