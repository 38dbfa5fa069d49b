"""What can happen in a story: each plot is a goal, an obstacle, help, a good or bad end and what is known afterwards.

In a template `{key}` draws from `WORDS` of `engine/stories_lexicon.py` and is then the same in the whole story
(so the thing that is lost is the thing that is found); `{_key}` draws anew each time. The one the story is about is
`{hero}`, `{he}`, `{him}`, `{his}`; the helper is `{helper}`; `{place}` is "the dark forest", `{spot}` "the forest",
`{at}` and `{to}` go before it. `a(n)` becomes "a" or "an".
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """Templates for each part of a story; `want` and `summary` go on after "wanted to", `good` and `bad` end it."""

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
            "{he} asked the {_job} and the {_job}, but nobody had seen the {look} {thing}.",
        ),
        (
            '"Let us look {hiding}," {_say} {helper}.',
            "{helper} {_manner} searched {_hiding} and then pointed to the {_landmark}.",
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
            "{he} worked {_manner}, but there was not enough {material} for the {work}.",
            "then {pest_sg} ruined the {material} before the {look} {work} was ready.",
        ),
        (
            "{helper} brought more {_material} and a(n) {_look} {_thing}.",
            '"Use {_material} instead of {material}," {_say} {helper}.',
            "{helper} {_manner} held the {material} while {hero} tied it to the {_landmark}.",
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
        "reach the {landmark} beyond {place}",
        (
            "{time} {hero} set out to visit the {landmark} far beyond {place}.",
            "{hero} had heard of a(n) {look} {landmark}, and {time} {he} {walk} off to see it.",
            "{time} a letter came: {hero} had to bring a(n) {look} {thing} to the {landmark}.",
        ),
        (
            "{he} {_walk} past the {_landmark} and the {_landmark}, but {obstacle}.",
            "on the way {obstacle}, and {hero} did not know what to do with the {_thing} {he} carried.",
            "after the {_landmark} {he} lost the way, and {obstacle}.",
        ),
        (
            "{helper} knew a path behind the {_landmark} and {_walk} ahead {_manner}.",
            '"Follow me past the {_landmark}," {_say} {helper}.',
            "{helper} lent {him} a(n) {_look} {_thing} and some {_food} for the road.",
        ),
        (
            "{later} {hero} reached the {landmark} and rested beside a(n) {_look} {_thing}.",
            "{later} they saw the {landmark} behind the {_landmark}, and {hero} cheered.",
            "{later} they arrived, and the people there gave them {_food} and {_food}.",
        ),
        (
            "{later} {hero} turned back near the {_landmark} with wet feet and no {_food}.",
            "they never saw the {landmark}, for {_weather} and the road ended at a(n) {_landmark}.",
            "{later} {he} lost the {_look} {_thing} and went home without seeing the {landmark}.",
        ),
        "{hero} went on a long walk and reached the {landmark} with {helper}.",
        "{hero} went on a long walk but never reached the {landmark}.",
    ),
    Plot(
        "find some {food}",
        (
            "{time} {hero} was hungry and looked for {food} {at} {place}.",
            "there was no {food} left at home, so {time} {hero} {walk} {to} {place}.",
            "{hero} had eaten nothing but {_food} for days, and {time} {he} dreamed of {food}.",
        ),
        (
            "{he} looked near the {_landmark} and {_hiding}, but found only {_a_insect}.",
            "there was plenty of {food} beyond the {_landmark}, but {obstacle}.",
            "{he} asked the {_job} for {food}, but the {_job} wanted a(n) {_look} {_thing} for it.",
        ),
        (
            "{helper} had a little {food} and a little {_food} and shared it {_manner}.",
            '"I know where there is {food}, just behind the {_landmark}," {_say} {helper}.',
            "{helper} gave {him} half of the {_food} and told {him} about the {_landmark}.",
        ),
        (
            "{later} they sat by the {_landmark} and ate {food} together.",
            "{later} {hero} had enough {food} for a week and gave some to the {_job}.",
            "the {food} tasted better than {_food}, and nothing was left by the {_landmark}.",
        ),
        (
            "{later} the {food} was gone, and {hero} went to sleep hungry near the {_landmark}.",
            "but the {food} was bad, and {hero} had a stomach ache beside the {_landmark}.",
            "{later} a thief took the {food} and the {_look} {_thing} too.",
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
            "{he} closed {his} eyes and held the {_look} {_thing} tightly.",
            "the others played by the {_landmark}, but {hero} stayed {_hiding}.",
        ),
        (
            "{helper} came to the {_landmark} and {comfort}.",
            '"I was afraid of {_fear} once," {_say} {helper}.',
            "{helper} gave {him} a(n) {_look} {_thing} for courage.",
        ),
        (
            "{later} {hero} {walk} past the {_landmark} all alone, and {fear} did not matter.",
            "{later} {hero} was not afraid of {fear} any more and told the {_job} about it.",
            "{hero} took a deep breath, thought of the {_look} {_thing}, and was brave.",
        ),
        (
            "but {hero} ran away past the {_landmark} and dropped the {_look} {_thing}.",
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
            "they pulled at the {thing} until it fell against the {_landmark}.",
            "{hero} took the {look} {thing} and hid it {_hiding}.",
        ),
        (
            "a wise {_job} by the {_landmark} told them to take turns.",
            '{helper} thought about the {_look} {_thing} at home and {_say}, "You may have it first."',
            "then {_weather}, and they had to share a dry place {_hiding}.",
        ),
        (
            "{later} they played with the {thing} together near the {_landmark}.",
            "{later} {hero} said sorry and gave {helper} {_gift}.",
            "they shared the {look} {thing} and even some {_food}.",
        ),
        (
            "{later} the {look} {thing} broke in two by the {_landmark}, and both went home alone.",
            "{helper} left without the {_look} {_thing} and did not come back to the {_landmark}.",
            "{later} a {_job} took the {thing} away, and they were no longer friends.",
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
            "{he} pulled {_manner}, but {danger} was too dangerous, and {_weather}.",
            "there was no rope, only a(n) {_look} {_thing} and a(n) {_look} {_thing}.",
        ),
        (
            "{helper} came running from the {_landmark} with a(n) {_look} {_thing}.",
            '"Hold on to the {_thing}!" {_say} {helper}.',
            "{helper} and the {_job} pulled {_manner} too.",
        ),
        (
            "{later} everyone was safe and drank warm milk by the {_landmark}.",
            "{later} the little one was free and gave {hero} {_gift}.",
            "together they were strong enough, and the {_job} clapped.",
        ),
        (
            "{later} {hero} was hurt and had to stay in bed beside a(n) {_look} {_thing}.",
            "they came too late, and nobody spoke on the way back to the {_landmark}.",
            "{later} the {_look} {_thing} broke, and they had to fetch the {_job}.",
        ),
        "{hero} and {helper} saved someone from {danger}.",
        "{hero} tried to save someone from {danger}, but it went wrong.",
    ),
    Plot(
        "win the {contest}",
        (
            "{time} there was a(n) {contest} {at} {place}, and {hero} wanted to win {prize}.",
            "{hero} had practised near the {_landmark} for weeks, for {time} the {contest} began.",
            "{time} the {_job} announced a(n) {contest} with {prize} for the winner.",
        ),
        (
            "but the {_cub} was very good too, and {obstacle}.",
            "half way, near the {_landmark}, {hero} fell over a(n) {_look} {_thing}.",
            "{he} forgot {his} {_look} {_thing} at home, and everybody by the {_landmark} laughed.",
        ),
        (
            '"Do not give up, think of the {_food}!" {_say} {helper}.',
            "{helper} lent {him} a(n) {_look} {_thing} and cheered from the {_landmark}.",
            "{helper} stopped near the {_landmark} and {_manner} helped {him} up.",
        ),
        (
            "{later} {hero} won {prize} and shared it with the {_job}.",
            "{later} {hero} came first, just before the {_job}, and waved to {helper}.",
            "the {_job} gave {hero} {prize}, and everyone ate {_food}.",
        ),
        (
            "{later} {hero} came last, even after the {_job}, and got only some {_food}.",
            "{later} the {_job} won {prize}, and {hero} went home past the {_landmark}.",
            "{hero} lost the {contest} because of a(n) {_look} {_thing}.",
        ),
        "{hero} won {prize} in the {contest}.",
        "{hero} lost the {contest}.",
    ),
    Plot(
        "learn to {skill}",
        (
            "{time} {hero} wanted to learn to {skill} {at} {place}.",
            "{hero} saw a {_job} by the {_landmark} who could {skill}, and {time} {he} tried it too.",
            "all the others could {skill}, but {hero} could only {_skill}.",
        ),
        (
            "the first time {he} dropped the {_look} {_thing} near the {_landmark}.",
            "{he} practised by the {_landmark} until noon, but {_weather} and nothing worked.",
            "the {_job} laughed at {him} and went back to the {_landmark}.",
        ),
        (
            "{helper} showed {him} how to {skill} with the help of a(n) {_look} {_thing}.",
            '"I needed a year to learn to {skill}, and {_food} helped me," {_say} {helper}.',
            "{helper} came to the {_landmark} every day and explained it {_manner}.",
        ),
        (
            "{later} {hero} could {skill} better than the {_job}.",
            "{later} {hero} could {skill}, and the whole {_landmark} was full of people who watched.",
            "{hero} learned to {skill} and got {_gift} from the {_job}.",
        ),
        (
            "{later} {hero} gave up and threw the {_look} {_thing} into the grass.",
            "{hero} never learned to {skill} and stayed by the {_landmark} with the {_job}.",
            "{later} {he} fell against the {_landmark} and did not want to {skill} any more.",
        ),
        "{helper} taught {hero} to {skill}.",
        "{hero} tried to learn to {skill} but gave up.",
    ),
    Plot(
        "give {helper} a birthday present",
        (
            "{time} it was the birthday of {helper}, and {hero} had no present but a(n) {look} {thing}.",
            "{hero} wanted to give {helper} something nice {time}, but the {_landmark} shop was closed.",
            "{time} {hero} counted {his} coins, for {helper} had wished for a(n) {look} {thing}.",
        ),
        (
            "the {_job} sold a(n) {look} {thing}, but it was too expensive.",
            "{he} baked something with {_food}, but it burned, and {_weather}.",
            "{he} looked {_hiding} and near the {_landmark} for an idea.",
        ),
        (
            "a friendly {_job} gave {him} some {_material} and a(n) {_look} {_thing}.",
            "then {he} had an idea and worked {_manner} with {_material} and {_material}.",
            '"A song is a present too," {_say} the {_job} by the {_landmark}.',
        ),
        (
            "{later} {helper} opened the present by the {_landmark} and hugged {hero}.",
            "{later} they danced near the {_landmark} and ate {_food}.",
            "{helper} had never seen such a(n) {_look} {_thing} and thanked {hero}.",
        ),
        (
            "{later} the present fell into the mud by the {_landmark}.",
            "but {helper} had already gone to see the {_job}, and {hero} ate the {_food} alone.",
            "{later} {hero} came too late with the {_look} {_thing}.",
        ),
        "{hero} found a present for {helper}.",
        "{hero} had no present for {helper} in the end.",
    ),
    Plot(
        "grow {plant}",
        (
            "{time} {hero} planted {plant} beside the {landmark} {at} {place}.",
            "{hero} dreamed of {plant}, and {time} {he} dug the ground near the {landmark}.",
            "{time} a {_job} gave {hero} seeds of {plant} and a(n) {_look} {_thing}.",
        ),
        (
            "but {pest} came to the {landmark}, and half of the {plant} died.",
            "for weeks nothing grew by the {landmark} but {_plant}, and {_weather}.",
            "then {pest} ruined the {plant}, and {hero} sat down by the {_landmark}.",
        ),
        (
            "{helper} carried water from the {_landmark} {_manner}.",
            '"{plant} need {_material} and time," {_say} {helper}.',
            "{helper} put {_material} around the {plant} and sang to them.",
        ),
        (
            "{later} the {plant} were bigger than a(n) {_thing}, and the {_job} wanted to buy them.",
            "{later} there were {plant} everywhere from the {landmark} to the {_landmark}.",
            "they gave the {plant} to the {_job} and got {_food} for them.",
        ),
        (
            "{later} all the {plant} were brown, and only the {_look} {_thing} was left.",
            "not one of the {plant} grew, and {hero} put the {_look} {_thing} away.",
            "{later} the {_job} drove a cart over the {plant} by the {_landmark}.",
        ),
        "{hero} grew {plant} with the help of {helper}.",
        "{hero} planted {plant}, but they all died.",
    ),
)
