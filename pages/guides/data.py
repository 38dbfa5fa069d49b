"""The guide of Data."""

from engine.language import N_
from pages.guides import text_checks
from pages.shared.guide import Guide, Question, Step

NAMES = {
    "stories": "stories",
    "shakespeare": N_("Shakespeare"),
    "bbc-news": "news",
    "python-reference": N_("Python reference"),
    "phrasebook": "phrases",
}
_MIX = {"stories": 0.6, "shakespeare": 0.4}

GUIDE = Guide(
    steps=(
        Step(
            "text",
            N_("Read raw text"),
            N_("Look at the beginning, the middle and the end of a corpus. Which part is kept aside for validation?"),
            part=N_("The text"),
        ),
        Step(
            "zipf",
            N_("Find the straight line"),
            N_("Compare words with tokens: how many words occur only once, and why do tokens stop growing in number?"),
            part=N_("Zipf and Heaps"),
        ),
        Step(
            "gpt3",
            N_("Read GPT-3's table"),
            N_("Find the source with the most tokens and the one that was read most often. They are not the same."),
            part=N_("What GPT-3 read"),
        ),
        Step(
            "mix",
            N_("Mix 60 to 40"),
            N_("Weigh the sources so that stories are 60 % of the mix and Shakespeare 40 %, with nothing else in it."),
            part=N_("Mix your own"),
            check=lambda: text_checks.mix_of(_MIX, NAMES),
        ),
        Step(
            "epochs",
            N_("Wear a source out"),
            N_("Make a mix in which a source is read for more than 4 epochs. What does the page then warn of?"),
            part=N_("Mix your own"),
            check=lambda: text_checks.read_too_often(),
        ),
    ),
    questions=(
        Question(
            "crawl",
            N_(
                "In GPT-3's table Common Crawl has 410 billion of 499 billion tokens, but 60 % of the weight. Why less "
                "than its size?"
            ),
            (
                N_("The rest of it was lost."),
                N_("Its makers thought the other sources better, and drew them more often."),
                N_("Web pages hold fewer tokens per word than books and encyclopedias do."),
            ),
            1,
            (
                N_("Nothing was lost: the training was simply over before all of it had been read."),
                N_("The weights say how often a source is drawn from, and are the makers' judgement of its worth."),
                N_("Tokens per word depend on the tokenizer and the language, not on the weight."),
            ),
        ),
        Question(
            "half",
            N_(
                "GPT-3 saw 300 billion tokens, 60 % of them from the 410 billion of Common Crawl. How often was that "
                "read?"
            ),
            (N_("Less than half a time."), N_("Exactly once."), N_("Between three and four times.")),
            0,
            (
                N_("0.6 × 300 / 410 is 0.44: more than half of it was never read."),
                N_("That would take 410 billion tokens from this source alone."),
                N_("That holds for Wikipedia: 3 % of 300 billion are 9 billion, about three times its 3 billion."),
            ),
        ),
        Question(
            "labels",
            N_("What has to be done to this text before a model can be pretrained on it?"),
            (
                N_("People mark the subject of each document."),
                N_("Each sentence gets a question and an answer."),
                N_("It is filtered and cut into tokens."),
            ),
            2,
            (
                N_("No subject is needed: the task is to predict the next token."),
                N_("Such pairs belong to instruction fine-tuning."),
                N_("Nobody has to label it: the text is its own answer key, which is why so much of it can be used."),
            ),
        ),
        Question(
            "copies",
            N_("Why do near-duplicates between training and validation text do harm?"),
            (
                N_("They flatter the validation loss."),
                N_("They make training slower, since they are read twice."),
                N_("They make the vocabulary too large."),
            ),
            0,
            (
                N_("What was read in training is then asked in the test: remembering looks like understanding."),
                N_("A copy costs no more time than other text of its length."),
                N_("Copies bring no new words."),
            ),
        ),
    ),
)
