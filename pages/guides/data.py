"""The guide of Data."""

from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

NAMES = {
    "stories": "stories",
    "shakespeare": "Shakespeare",
    "bbc-news": "news",
    "python-reference": "Python reference",
    "phrasebook": "phrases",
}
_MIX = {"stories": 0.6, "shakespeare": 0.4}

GUIDE = Guide(
    steps=(
        Step(
            "text",
            "Read raw text",
            "Look at the beginning, the middle and the end of a corpus. Which part is kept aside for validation?",
            part="The text",
        ),
        Step(
            "zipf",
            "Find the straight line",
            "Compare words with tokens: how many words occur only once, and why do tokens stop growing in number?",
            part="Zipf and Heaps",
        ),
        Step(
            "gpt3",
            "Read GPT-3's table",
            "Find the source with the most tokens and the one that was read most often. They are not the same.",
            part="What GPT-3 read",
        ),
        Step(
            "mix",
            "Mix 60 to 40",
            "Weigh the sources so that stories are 60 % of the mix and Shakespeare 40 %, with nothing else in it.",
            part="Mix your own",
            check=lambda: text_checks.mix_of(_MIX, NAMES),
        ),
        Step(
            "epochs",
            "Wear a source out",
            "Make a mix in which a source is read for more than 4 epochs. What does the page then warn of?",
            part="Mix your own",
            check=lambda: text_checks.read_too_often(),
        ),
    ),
    questions=(
        Question(
            "crawl",
            "In GPT-3's table Common Crawl has 410 billion of 499 billion tokens, but 60 % of the weight. Why less "
            "than its size?",
            (
                "The rest of it was lost.",
                "Its makers thought the other sources better, and drew them more often.",
                "Web pages hold fewer tokens per word than books and encyclopedias do.",
            ),
            1,
            (
                "Nothing was lost: the training was simply over before all of it had been read.",
                "The weights say how often a source is drawn from, and are the makers' judgement of its worth.",
                "Tokens per word depend on the tokenizer and the language, not on the weight.",
            ),
        ),
        Question(
            "half",
            "GPT-3 saw 300 billion tokens, 60 % of them from the 410 billion of Common Crawl. How often was that read?",
            ("Less than half a time.", "Exactly once.", "Between three and four times."),
            0,
            (
                "0.6 × 300 / 410 is 0.44: more than half of it was never read.",
                "That would take 410 billion tokens from this source alone.",
                "That holds for Wikipedia: 3 % of 300 billion are 9 billion, about three times its 3 billion.",
            ),
        ),
        Question(
            "labels",
            "What has to be done to this text before a model can be pretrained on it?",
            (
                "People mark the subject of each document.",
                "Each sentence gets a question and an answer.",
                "It is filtered and cut into tokens.",
            ),
            2,
            (
                "No subject is needed: the task is to predict the next token.",
                "Such pairs belong to instruction fine-tuning.",
                "Nobody has to label it: the text is its own answer key, which is why so much of it can be used.",
            ),
        ),
        Question(
            "copies",
            "Why do near-duplicates between training and validation text do harm?",
            (
                "They flatter the validation loss.",
                "They make training slower, since they are read twice.",
                "They make the vocabulary too large.",
            ),
            0,
            (
                "What was read in training is then asked in the test: remembering looks like understanding.",
                "A copy costs no more time than other text of its length.",
                "Copies bring no new words.",
            ),
        ),
    ),
)
