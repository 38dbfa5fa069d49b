# ruff: noqa: E501  (word lists read best as words)
"""The words of the stories: names, animals and where they live, places, things, feelings and ways of saying them.

A key of `WORDS` may stand in a template of `engine/stories_plots.py` as `{key}`; a bar parts the choices.
"""

GIRLS = tuple(
    """Mia Lena Anna Sofia Emma Clara Nora Ella Maya Zoe Ruby Alice Lucy Grace Hannah Julia Laura Molly Rosa Sara
    Tina Vera Wendy Yara Amina Bella Carla Daisy Elena Fiona Greta Holly Ida Jana Katya Lily Maria Nina Olga Paula
    Priya Rita Selma Tara Uma Violet Wilma Xenia Zara Aisha Bianca Celia Dora Edith Freya Gina Hilda Iris June Kira
    Leila Martha Nadia Olive Pearl Rachel Stella Thea Ursula Victoria""".split()
)
BOYS = tuple(
    """Tom Ben Max Leo Sam Jack Paul Noah Adam Oscar Felix Hugo Ivan Jonas Karl Liam Milo Nico Omar Peter Ravi Simon
    Theo Victor Will Yusuf Zack Alex Boris Carlos Daniel Emil Frank George Henry Isaac Jacob Kevin Lucas Martin Nathan
    Otto Pablo Quentin Robin Samir Timothy Umar Vincent Walter Andrew Bruno Colin David Ethan Fred Gregor Harry Igor
    James Kofi Louis Marco Niels Oliver Philip Richard Stefan Thomas Ulrich Viktor""".split()
)
ANIMAL_NAMES = tuple(
    """Kito Bruno Nala Rufus Pip Tika Momo Zuri Koko Bobo Tilly Shadow Patch Luna Rusty Coco Ziggy Tawny Dusty Willow
    Hazel Bramble Clover Pepper Ginger Misty Sandy Storm Amber Copper Ember Fern Juniper Kiki Lulu Mango Nutmeg Otis
    Poppy Quill Rolo Sorrel Tiko Umbo Velvet Whisper Yodo Zippy Basil Chestnut""".split()
)

# What an animal is called, and where it lives: the first place is the usual one.
HABITATS = {
    "lion": "forest*15 cave*2 valley*2 garden meadow village river",
    "bear": "forest*6 cave*3 mountains",
    "fox": "forest*4 field*3 meadow",
    "wolf": "forest*5 mountains*3 valley",
    "deer": "forest*5 meadow*4",
    "owl": "forest*5 barn*4",
    "rabbit": "meadow*5 garden*4 field",
    "mouse": "kitchen*4 barn*4 field*2",
    "cat": "house*5 kitchen*4 garden*3",
    "dog": "garden*5 yard*4 house*3",
    "horse": "field*5 stable*4 valley",
    "cow": "field*6 barn*3 meadow*2",
    "sheep": "meadow*5 field*4 valley",
    "goat": "mountains*5 yard*3 field",
    "duck": "pond*6 lake*3 river*2",
    "frog": "pond*6 river*3 garden",
    "fish": "river*5 lake*4 sea*2",
    "turtle": "sea*4 pond*4 lake",
    "monkey": "jungle*6 tree*3 forest",
    "tiger": "jungle*7 forest*2 valley",
    "parrot": "jungle*5 tree*3 garden",
    "elephant": "jungle*3 valley*3 river*2",
    "camel": "desert*7 town",
    "squirrel": "tree*4 forest*3 park*3",
    "hedgehog": "garden*5 park*3 forest",
    "bird": "tree*5 garden*3 sky*2",
    "donkey": "stable*4 yard*3 village*2",
    "hen": "yard*5 barn*3",
    "whale": "sea*6",
    "crab": "sea*3 cave",
}

# An outdoor place: with its preposition, and adjectives that suit it.
PLACES = {
    "forest": ("in", "dark quiet green deep old silent thick cool wide misty"),
    "meadow": ("in", "sunny green wide quiet warm flowery soft bright"),
    "valley": ("in", "green wide quiet misty deep narrow hidden long"),
    "village": ("in", "small quiet old sleepy friendly busy poor pretty"),
    "garden": ("in", "small sunny wild pretty quiet green old large"),
    "town": ("in", "old busy little noisy grey friendly rich famous"),
    "park": ("in", "green quiet large sunny busy pretty empty"),
    "jungle": ("in", "hot green thick noisy deep wet dark"),
    "desert": ("in", "hot dry wide empty golden silent"),
    "mountains": ("in", "high snowy cold blue rocky distant"),
    "field": ("in", "wide golden muddy green empty sunny"),
    "harbour": ("in", "busy old small windy grey foggy"),
    "market": ("at", "busy noisy colourful crowded small cheerful"),
    "beach": ("on", "long white windy sandy empty sunny"),
    "island": ("on", "small lonely green rocky sunny distant"),
    "farm": ("on", "old little busy lonely pretty muddy"),
    "hill": ("on", "green steep windy sunny low grassy"),
    "bridge": ("on", "old wooden narrow stone high long"),
    "river": ("by", "wide fast cold muddy blue deep shallow"),
    "lake": ("by", "blue calm deep frozen quiet silver"),
    "pond": ("by", "small muddy green still shallow round"),
    "sea": ("by", "blue wild calm grey stormy deep"),
    "old mill": ("at", "ruined tall lonely white"),
    "castle": ("at", "old grey ruined tall lonely famous"),
}

JOBS = tuple(
    """baker farmer teacher gardener fisher shepherd doctor painter carpenter tailor sailor hunter cook potter
    musician soldier messenger miller blacksmith singer writer weaver guard merchant""".split()
)

FEELINGS_GOOD = tuple(
    "happy proud glad cheerful thankful calm relieved excited delighted content hopeful pleased joyful".split()
)
FEELINGS_BAD = tuple(
    "sad angry disappointed lonely worried tired afraid ashamed upset unhappy jealous bitter gloomy".split()
)

WORDS = {
    "time": "one morning|one evening|one day|one afternoon|one night|early one morning|late one evening|"
    "on a Sunday|on a cold day|on a hot day|one summer|one winter day|one spring morning|one autumn evening|"
    "after breakfast|before sunrise|after school|at noon|on market day|on the first day of spring|"
    "on the last day of summer|on a rainy Monday|on a windy day|one quiet Friday|one Saturday",
    "later": "a little later|after an hour|before long|that same evening|the next morning|after two days|"
    "at last|after a while|in the end|soon|at sunset|when the moon rose|when the bells rang|by noon|"
    "three days later|a week later|before dark|as the sun went down",
    "weather": "a wind was blowing|the sky was grey|the sky was full of clouds|the air smelled of rain|"
    "the grass was wet|fog covered the land|the rain was falling|thunder rolled far away",
    "manner": "slowly|quickly|carefully|quietly|gladly|bravely|gently|at once|without a word|with a smile|"
    "with a sigh|with all {his} strength|with shaking hands|as fast as {he} could|with great care",
    "adverb": "slowly|quickly|carefully|quietly|gladly|bravely|gently|silently|calmly|patiently",
    "walk": "walked|ran|hurried|went|wandered|strolled|marched|crept|stumbled|raced",
    "say": "said|whispered|called|cried|answered|replied|shouted",
    "look": "old|golden|little|red|blue|green|shiny|wooden|striped|beautiful|strange|heavy|precious|"
    "silver|dusty|tiny|yellow|painted|simple|purple|white|black|round|warm|plain|fine|orange|large|long|brown",
    "thing": "key|hat|drum|book|kite|ring|lamp|scarf|basket|coin|letter|map|flute|watch|doll|boat|bell|cup|blanket|"
    "mirror|necklace|shoe|ball|box|spoon|umbrella|bag|candle|knife|picture|violin|whistle|wheel|chair|bottle|"
    "feather|stone|shell|glove|coat|ladder|bucket|broom|pillow|button|medal|pencil|trumpet|rope",
    "food": "bread|honey|apples|cheese|soup|berries|nuts|cake|pears|carrots|plums|milk|rice|beans|corn|cherries|"
    "pancakes|fish|potatoes|grapes|figs|mushrooms|dates|porridge",
    "hiding": "under a stone|behind a door|in a hollow tree|under the bed|beside the well|in the tall grass|"
    "at the bottom of a basket|on a high branch|under a pile of leaves|behind the oven|in an empty barrel|"
    "near the old gate|under the bridge|on the roof|inside a boot|between two rocks|beneath a bench|"
    "at the end of the path|under a bush|next to the fence|on a window sill|behind a wall",
    "landmark": "well|gate|fence|wall|tower|oak|bench|shed|rock|fountain|pine tree|haystack|stone bridge|"
    "wooden hut|signpost|cart|boat house|church|bakery|windmill|apple tree|hollow log|ditch|steps",
    "obstacle": "the path was blocked by {big} {block}|the bridge was broken|the river was too deep|"
    "it was too dark|a heavy storm began|the door was locked|the hill was too steep|"
    "a thick fog came down|the water was too cold|the ground was full of mud|"
    "an angry dog stood in the way|the map was wrong|the wall was too high|the rope was too short|"
    "the boat had a hole|the gate was closed|a herd of cows blocked the road",
    "big": "a huge|a great|an enormous|a fallen|a heavy|a big",
    "block": "rock|tree|log|gate|heap of snow|pile of stones|cart|branch",
    "trait": "kind|clever|brave|shy|curious|lazy|patient|quick|gentle|proud|honest|careful|noisy|quiet|"
    "stubborn|cheerful|wise|clumsy|polite|friendly|sleepy|playful|serious",
    "size": "small|big|young|old|tall|thin|strong|little|round",
    "insect": "bee|butterfly|beetle|snail|spider|worm|fly|ladybird|cricket|moth",
    "destination": "old lighthouse|great waterfall|king's castle|glass tower|big city|hidden temple|rose palace|"
    "white cliffs|great library|golden gate|silver lake|snowy mountain|school of music|house of the giant|"
    "lost well|city of bells|stone circle|end of the rainbow|blue lagoon|town of the potters",
    "cub": "rabbit|fox|cat|dog|goat|lamb|duckling|bird|mouse|piglet|squirrel|hedgehog|kitten|calf",
    "gift": "a basket of pears|a pot of honey|a warm scarf|a new hat|a wooden flute|a bunch of flowers|"
    "a silver coin|a piece of cake|a red ribbon|a drawing|a bag of nuts|a soft blanket|a book|a little bell",
    "sound": "a cry|a whisper|a loud crash|a strange noise|a song|a voice|a knock|a splash|footsteps|a bell",
    "danger": "a deep hole|an icy pond|a thorn bush|a muddy ditch|an old net|a dark pit|a fast stream|"
    "a swamp|a cold stream|a deep well|a narrow crack|a heap of snow|a dry well",
    "fear": "thunder|the dark|deep water|strangers|loud noises|high places|spiders|the wind|being alone|snakes|"
    "the old tower|big dogs|ghosts|the school play|storms|new places",
    "comfort": "sang a soft song|held {his} {paw}|told a funny story|lit a small lamp|stayed all night|"
    "counted the stars aloud|brought some {food}|made a silly face",
    "skill": "swim|whistle|read|dance|sing|paint|cook|juggle|climb|skate|write|fish|bake bread|play the flute|"
    "ride a bicycle|play the drum|tie a knot|count to a hundred|speak in front of others|build a fire|row a boat",
    "work": "kite|boat|bridge|house|wagon|bench|table|sledge|nest box|raft|fence|tower|puppet|lantern|swing|"
    "tree house|birdhouse|cart|drum|oven",
    "material": "wood|paper|stones|old boards|string|clay|branches|cloth|straw|nails|feathers|bricks|leather|reeds",
    "contest": "race|singing contest|swimming race|dance|cooking contest|game of chess|boat race|pie contest|"
    "jumping contest|spelling contest|drawing contest|pumpkin contest|sack race|riddle game|kite contest",
    "prize": "a golden cup|a basket of apples|a silver medal|a blue ribbon|a big cake|a new {thing}|a(n) {look} {thing}",
    "plant": "tomatoes|sunflowers|roses|beans|pumpkins|carrots|tulips|apple trees|lilies|peas|melons|herbs|"
    "strawberries|potatoes|onions|poppies|daisies",
    "pest": "hungry snails|wild rabbits|greedy birds|a long drought|a late frost|heavy rain|weeds|a swarm of beetles",
    "lesson": "sharing is better than fighting|a good friend is worth more than gold|patience brings success|"
    "small steps lead far|it is good to ask for help|the truth is always best|even the small can be strong|"
    "kindness comes back|nobody is too old to learn|haste makes waste|courage grows with practice|"
    "a promise should be kept|everyone makes mistakes|listening is a gift",
    "again": "from that day on|since then|every year after that|for many weeks|from then on|until winter|"
    "for the rest of the summer",
}

# Added to "weather" where the time of the story allows it.
WEATHER_BY_SEASON = {
    "night": "the stars were bright|the moon was full|an owl was calling|the windows were dark",
    "day": "the sun was shining|the birds were singing|the shadows were short",
    "cold": "snow lay on the ground|a cold wind was blowing|it was very cold|the water was frozen",
    "warm": "it was very hot|a warm breeze was blowing|the bees were humming|the flowers were open",
}
