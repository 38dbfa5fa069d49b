"""What can happen in a story: each plot is a goal, an obstacle, help, a good or bad end and what is known
afterwards.

In a template `{key}` draws from `WORDS` of `engine/stories_lexicon.py` and is then the same in the whole
story (so the thing that is lost is the thing that is found); `{_key}` draws anew each time, `{_landmark}`,
`{_prop}` (a golden key) and `{_food}` from the two or three of this story. The one the story is about is
`{hero}`, `{he}`, `{him}`, `{his}`; the helper is `{helper}`; `{place}` is "the dark forest", `{spot}`
"forest",
`{at}` goes before it. `a(n)` becomes "a" or "an".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """Templates for each part of a story; `want` follows "wanted to", and `good` or `bad` is how it ends."""

    want: str
    goal: tuple[str, ...]
    trouble: tuple[str, ...]
    help: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    summary_good: str
    summary_bad: str


PLOTS = (
    Plot(
        "find {his} {look} {thing}",
        (
            "{time} {hero} lost {his} {look} {thing} {at} {place}.",
            "{time} {hero} noticed that the {look} {thing} was gone.",
            "{hero} had a(n) {look} {thing}, but {time} it was not there any more.",
        ),
        (
            "{he} looked {_hiding} and {_hiding}, but there was no {thing}.",
            "{he} searched near the {_landmark} and behind the {_landmark}, but {obstacle}.",
            "{he} asked the {job} and the {other_job}, but nobody had seen the {look} {thing}.",
        ),
        (
            '"Let us look {hiding}," {_say} {helper}.',
            "{helper} {_adverb} searched {_hiding} and then pointed to the {_landmark}.",
            "{helper} had seen something {look} near the {_landmark} and showed {him} the way.",
        ),
        (
            "{later} they found the {thing} {hiding}.",
            "{later} the {look} {thing} turned up {hiding}, and {hero} laughed.",
            "there it was: the {thing} lay {hiding}!",
        ),
        (
            "{later} they found only {_small} pieces of the {thing} {hiding}.",
            "they searched until the {_landmark} was dark, but the {look} {thing} stayed lost.",
            "{later} {hero} had to go home without the {look} {thing}.",
        ),
        "{hero} lost a(n) {look} {thing} and found it with the help of {helper}.",
        "{hero} lost a(n) {look} {thing} and never found it.",
    ),
    Plot(
        "build a(n) {work}",
        (
            "{time} {hero} wanted to build a(n) {look} {work} {at} {place}.",
            "{hero} dreamed of a(n) {work} made of {material}, and {time} {he} began.",
            "{time} {hero} collected {material} for a(n) {look} {work}.",
        ),
        (
            "the {material} broke again and again, and the {work} fell down near the {_landmark}.",
            "{he} worked {_manner}, but soon ran out of {material} for the {work}.",
            "then {accident} ruined the {material} before the {look} {work} was ready.",
        ),
        (
            "{helper} brought more {material} and a(n) {_prop}.",
            '"Use {other_material} instead of {material}," {_say} {helper}.',
            "{helper} {_adverb} held the {material} while {hero} tied it to the {_landmark}.",
        ),
        (
            "{later} the {look} {work} stood proudly beside the {_landmark}.",
            "{later} {hero} and {helper} finished the {work} and painted it {_colour}.",
            "everyone came from the {_landmark} to see the {look} {work}.",
        ),
        (
            "{later} the wind blew the {work} against the {_landmark}, and it broke.",
            "the {look} {work} was never finished, and the {material} rotted by the {_landmark}.",
            "{later} the {work} fell into the mud near the {_landmark}.",
        ),
        "{hero} built a(n) {work} of {material} together with {helper}.",
        "{hero} tried to build a(n) {work}, but it broke.",
    ),
    Plot(
        "reach the {destination}",
        (
            "{time} {hero} set out to visit the {destination} far beyond {place}.",
            "{hero} had heard of the {destination}, and {time} {he} {walk} off to see it.",
            "{time} a letter came: {hero} had to bring a(n) {look} {thing} to the {destination}.",
        ),
        (
            "{he} {_walk} past the {_landmark} and the {_landmark}, but {obstacle}.",
            "on the way {obstacle}, and {hero} put down the {_prop} {he} carried.",
            "after the {_landmark} {he} lost the way, and {obstacle}.",
        ),
        (
            "{helper} knew a path behind the {_landmark} and {_walk} ahead {_manner}.",
            '"Follow me past the {_landmark}," {_say} {helper}.',
            "{helper} lent {him} a(n) {_prop} and some {_food} for the road.",
        ),
        (
            "{later} {hero} reached the {destination} and rested beside a(n) {_prop}.",
            "{later} they saw the {destination} behind the {_landmark}, and {hero} cheered.",
            "{later} they arrived, and the people there gave them {_food} and {_food}.",
        ),
        (
            "{later} {hero} turned back near the {_landmark} with wet feet and no {_food}.",
            "they never saw the {destination}, for {weather} and the road ended at a(n) {_landmark}.",
            "{later} {he} lost the {_prop} and went home without seeing the {destination}.",
        ),
        "{hero} went on a long walk and reached the {destination} with {helper}.",
        "{hero} went on a long walk but never reached the {destination}.",
    ),
    Plot(
        "find some {food}",
        (
            "{time} {hero} was hungry and looked for {food} {at} {place}.",
            "there was nothing to eat, so {time} {hero} {walk} to the {_landmark} and looked for {food}.",
            "{hero} had eaten nothing but {_food} for days, and {time} {he} dreamed of {food}.",
        ),
        (
            "{he} looked near the {_landmark} and {_hiding}, but found only {_a_insect}.",
            "people said that {food} could be found beyond the {_landmark}, but {obstacle}.",
            "{he} asked the {job} for {food}, but the {job} wanted a(n) {_prop} in return.",
        ),
        (
            "{helper} had some {food} and some {_food} and shared everything {_manner}.",
            '"I know where to find {food}, just behind the {_landmark}," {_say} {helper}.',
            "{helper} gave {him} half of the {_food} and told {him} about the {_landmark}.",
        ),
        (
            "{later} they sat by the {_landmark} and ate {food} together.",
            "{later} {hero} had enough {food} for a week and gave some to the {job}.",
            "the {food} tasted even better than {_food}, and {hero} ate everything by the {_landmark}.",
        ),
        (
            "{later} somebody had eaten the {food}, and {hero} went to sleep hungry near the {_landmark}.",
            "but the {food} had gone bad, and {hero} had a stomach ache beside the {_landmark}.",
            "{later} a thief took the {food} and the {_prop} too.",
        ),
        "{hero} was hungry, and {helper} shared some {food} with {him}.",
        "{hero} looked for {food} but stayed hungry.",
    ),
    Plot(
        "be braver",
        (
            "{hero} was afraid of {fear}, and {time} it was worse than ever {at} {place}.",
            "{time} {hero} hid behind the {_landmark} because {he} was afraid of {fear}.",
            "everyone near the {_landmark} knew that {hero} was afraid of {fear}.",
        ),
        (
            "{he} heard {_sound} near the {_landmark} and trembled.",
            "{he} closed {his} eyes and held the {_prop} tightly.",
            "the others played by the {_landmark}, but {hero} stayed {_hiding}.",
        ),
        (
            "{helper} came to the {_landmark} and {comfort}.",
            '"I was afraid of {_fear} once," {_say} {helper}.',
            "{helper} gave {him} a(n) {_prop} for courage.",
        ),
        (
            "{later} {hero} {walk} past the {_landmark} all alone, and {fear} did not matter.",
            "{later} {hero} was not afraid of {fear} any more and told the {job} about it.",
            "{hero} took a deep breath, thought of the {_prop}, and was brave.",
        ),
        (
            "but {hero} ran away past the {_landmark} and dropped the {_prop}.",
            "{later} {hero} was still afraid of {fear} and hid {_hiding}.",
            "{hero} tried, but at the {_landmark} {he} turned around again.",
        ),
        "{hero} was afraid of {fear} until {helper} helped {him} to be brave.",
        "{hero} was afraid of {fear} and could not be brave.",
    ),
    Plot(
        "have the {look} {thing} for {himself}",
        (
            "{time} {hero} and {helper} found a(n) {look} {thing} {hiding}.",
            "{hero} and {helper} both wanted the same {look} {thing} {time}.",
            "{time} a(n) {look} {thing} lay by the {landmark}, and {hero} and {helper} saw it at once.",
        ),
        (
            '"It is mine because I saw it near the {_landmark}!" {_say} {hero}.',
            "they pulled at the {look} {thing} until it fell against the {_landmark}.",
            "{hero} took the {look} {thing} and hid it {_hiding}.",
        ),
        (
            "a wise {job} by the {_landmark} told them to take turns.",
            '{helper} thought about the {_prop} at home and {_say}, "You may have it first."',
            "then a storm began, and they had to share a dry place {_hiding}.",
        ),
        (
            "{later} they played with the {thing} together near the {_landmark}.",
            "{later} {hero} said sorry and gave {helper} {_gift}.",
            "they shared the {look} {thing} and even some {_food}.",
        ),
        (
            "{later} the {look} {thing} broke in two by the {_landmark}, and both went home alone.",
            "{helper} left without the {_prop} and did not come back to the {_landmark}.",
            "{later} a(n) {job} took the {thing} away, and they were no longer friends.",
        ),
        "{hero} and {helper} quarrelled about a(n) {look} {thing} and made peace.",
        "{hero} and {helper} quarrelled about a(n) {look} {thing} and stayed angry.",
    ),
    Plot(
        "help someone in danger",
        (
            "{time} {hero} heard {sound} near {danger} {at} {place}.",
            "{time} {hero} {walk} past the {_landmark} and saw a small {_cub} in {danger}.",
            "{hero} was carrying some {_food} home when {he} heard {sound} behind the {_landmark}.",
        ),
        (
            "someone had fallen into {danger} beside the {_landmark}, but {obstacle}.",
            "{he} pulled {_manner}, but it did not help, and {weather} by the {_landmark}.",
            "there was no rope, only a(n) {_prop} and a(n) {_prop}.",
        ),
        (
            "{helper} came running from the {_landmark} with a(n) {_prop}.",
            '"Hold on to the {_prop}!" {_say} {helper}.',
            "{helper} and the {job} pulled {_manner} too.",
        ),
        (
            "{later} everyone was safe and drank warm milk by the {_landmark}.",
            "{later} the little one was free and gave {hero} {_gift}.",
            "together they were strong enough, and the {job} clapped by the {_landmark}.",
        ),
        (
            "{later} {hero} was hurt and had to stay in bed beside a(n) {_prop}.",
            "they came too late, and nobody spoke on the way back to the {_landmark}.",
            "{later} the {_prop} broke, and they had to fetch the {job}.",
        ),
        "{hero} and {helper} saved someone from {danger}.",
        "{hero} tried to save someone from {danger}, but it went wrong.",
    ),
    Plot(
        "win the {contest}",
        (
            "{time} there was a(n) {contest} {at} {place}, and {hero} wanted to win {prize}.",
            "{hero} had practised near the {_landmark} for weeks, for {time} the {contest} began.",
            "{time} the {job} announced a(n) {contest} with {prize} for the winner.",
        ),
        (
            "but the {_cub} was very good too, and {obstacle}.",
            "half way, near the {_landmark}, {hero} fell over a(n) {_prop}.",
            "{he} forgot {his} {_prop} at home, and everybody by the {_landmark} laughed.",
        ),
        (
            '"Do not give up, think of the {_food}!" {_say} {helper}.',
            "{helper} lent {him} a(n) {_prop} and cheered from the {_landmark}.",
            "{helper} stopped near the {_landmark} and {_adverb} helped {him} up.",
        ),
        (
            "{later} {hero} won {prize} and shared it with the {job}.",
            "{later} {hero} came first, just before the {job}, and waved to {helper}.",
            "the {job} gave {hero} {prize}, and everyone ate {_food}.",
        ),
        (
            "{later} {hero} came last, even after the {job}, and got only some {_food}.",
            "{later} the {job} won {prize}, and {hero} went home past the {_landmark}.",
            "{hero} lost the {contest} because of a(n) {_prop}.",
        ),
        "{hero} won {prize} in the {contest}.",
        "{hero} lost the {contest}.",
    ),
    Plot(
        "learn to {skill}",
        (
            "{time} {hero} wanted to learn to {skill} {at} {place}.",
            "{hero} saw a(n) {job} by the {_landmark} who could {skill}, and {time} {he} tried it too.",
            "all the others could {skill}, but {hero} could only {_skill}.",
        ),
        (
            "the first time {he} dropped the {_prop} near the {_landmark}.",
            "{he} practised by the {_landmark} until noon, but {weather} and nothing worked.",
            "the {job} laughed at {him} and went back to the {_landmark}.",
        ),
        (
            "{helper} showed {him} how to {skill} with the help of a(n) {_prop}.",
            '"I needed a year to learn to {skill}, and {_food} helped me," {_say} {helper}.',
            "{helper} came to the {_landmark} every day and explained it {_manner}.",
        ),
        (
            "{later} {hero} could {skill} better than the {job}.",
            "{later} {hero} could {skill}, and everybody came to the {_landmark} to watch.",
            "{hero} learned to {skill} and got {_gift} from the {job}.",
        ),
        (
            "{later} {hero} gave up and threw the {_prop} into the grass.",
            "{hero} never learned to {skill} and stayed by the {_landmark} with the {job}.",
            "{later} {he} fell against the {_landmark} and did not want to {skill} any more.",
        ),
        "{helper} taught {hero} to {skill}.",
        "{hero} tried to learn to {skill} but gave up.",
    ),
    Plot(
        "give {helper} a birthday present",
        (
            "{time} it was the birthday of {helper}, and {hero} had no present but a(n) {_prop}.",
            "{hero} wanted to give {helper} a present {time}, but the shop by the {_landmark} was closed.",
            "{time} {hero} counted {his} coins, for {helper} had wished for a(n) {look} {thing}.",
        ),
        (
            "the {job} sold a(n) {look} {thing}, but it was too expensive.",
            "{he} baked something with {_food}, but it burned near the {_landmark}.",
            "{he} looked {_hiding} and near the {_landmark} for an idea.",
        ),
        (
            "a friendly {job} gave {him} some {material} and a(n) {look} {thing}.",
            "then {he} had an idea and worked {_manner} with {material} and {other_material}.",
            '"A song is a present too," {_say} the {job} by the {_landmark}.',
        ),
        (
            "{later} {helper} opened the present by the {_landmark} and hugged {hero}.",
            "{later} they danced near the {_landmark} and ate {_food}.",
            "{helper} had never seen such a(n) {look} {thing} and thanked {hero} by the {_landmark}.",
        ),
        (
            "{later} the present fell into the mud by the {_landmark}.",
            "but {helper} had already gone to see the {job}, and {hero} ate the {_food} alone.",
            "{later} {hero} came too late with the {look} {thing}.",
        ),
        "{hero} found a present for {helper}.",
        "{hero} had no present for {helper} in the end.",
    ),
    Plot(
        "grow {plant}",
        (
            "{time} {hero} planted {plant} beside the {landmark} {at} {place}.",
            "{hero} dreamed of {plant}, and {time} {he} dug the ground near the {landmark}.",
            "{time} a(n) {job} gave {hero} seeds of {plant} and a(n) {_prop}.",
        ),
        (
            "but {pest} came to the {landmark}, and half of the {plant} died.",
            "for weeks nothing grew by the {landmark} but weeds, and the {job} only laughed.",
            "then {pest} ruined the {plant}, and {hero} sat down by the {_landmark}.",
        ),
        (
            "{helper} carried water from the {_landmark} {_manner}.",
            '"{plant} need water and time," {_say} {helper} by the {_landmark}.',
            "{helper} put straw around the {plant} and sang to them.",
        ),
        (
            "{later} the {plant} were bigger than the {_prop}, and the {job} wanted to buy them.",
            "{later} there were {plant} everywhere from the {landmark} to the {_landmark}.",
            "they gave the {plant} to the {job} and got {_food} for them.",
        ),
        (
            "{later} all the {plant} were brown, and only the {_prop} was left.",
            "not one of the {plant} grew, and {hero} put the {_prop} away.",
            "{later} the {job} drove a cart over the {plant} by the {_landmark}.",
        ),
        "{hero} grew {plant} with the help of {helper}.",
        "{hero} planted {plant}, but they all died.",
    ),
)
