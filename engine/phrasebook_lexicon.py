"""The words of the phrasebook: nouns, adjectives, verbs and prepositions in English, French and German.

Only what cannot be derived by rule is written down: genders, plurals, irregular forms, verb tables. The grammar that
puts them into sentences is in `engine/phrasebook.py`.
"""

from dataclasses import dataclass

PERSON = "person"
ANIMAL = "animal"
FOOD = "food"
THING = "thing"
VEHICLE = "vehicle"
FURNITURE = "furniture"
OPENING = "opening"
PLACE = "place"


@dataclass(frozen=True)
class Noun:
    """A noun with plurals and genders; `german_weak` is the form of der Junge, den Jungen, "" for other nouns."""

    kind: str
    english: str
    english_plural: str
    french: str
    french_plural: str
    french_gender: str
    german: str
    german_plural: str
    german_gender: str
    german_weak: str = ""


@dataclass(frozen=True)
class Adjective:
    """An adjective: French forms for masculine and feminine, singular and plural, and its place; German stem."""

    kinds: tuple[str, ...]
    english: str
    french: tuple[str, str, str, str]
    french_before: bool
    french_before_vowel: str
    german: str
    german_stem: str
    english_comparative: str = ""
    german_comparative: str = ""


@dataclass(frozen=True)
class Verb:
    """A verb with an object: who does it to what, and its forms.

    English: he buys, bought, buy. French: je to ils. German: ich, du, er, wir; the case of the object.
    """

    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    english: tuple[str, str, str]
    french: tuple[str, str, str, str, str, str]
    french_infinitive: str
    french_participle: str
    german: tuple[str, str, str, str]
    german_participle: str
    german_case: str


@dataclass(frozen=True)
class Preposition:
    """A preposition: German ones take the dative ("dat") or accusative ("acc"); `kinds` may stand after it."""

    kinds: tuple[str, ...]
    english: str
    french: str
    german: str
    german_case: str


def _nouns(kind: str, table: str) -> tuple[Noun, ...]:
    """One noun a line: English, plural / French gender, singular, plural / German gender, singular, plural, weak."""
    nouns = []
    for line in table.strip().splitlines():
        english, french, german = (part.split() for part in line.split("|"))
        gender, singular, plural = french
        weak = german[3] if len(german) > 3 else ""
        nouns.append(
            Noun(
                kind,
                english[0].replace("_", " "),
                english[1].replace("_", " "),
                singular.replace("_", " "),
                plural.replace("_", " "),
                gender,
                german[1],
                german[2],
                german[0],
                weak,
            )
        )
    return tuple(nouns)


PEOPLE = _nouns(
    PERSON,
    """
    man men | m homme hommes | m Mann Männer
    woman women | f femme femmes | f Frau Frauen
    boy boys | m garçon garçons | m Junge Jungen Jungen
    girl girls | f fille filles | n Mädchen Mädchen
    child children | m enfant enfants | n Kind Kinder
    teacher teachers | m professeur professeurs | m Lehrer Lehrer
    doctor doctors | m médecin médecins | m Arzt Ärzte
    friend friends | m ami amis | m Freund Freunde
    neighbour neighbours | m voisin voisins | m Nachbar Nachbarn Nachbarn
    farmer farmers | m agriculteur agriculteurs | m Bauer Bauern Bauern
    baker bakers | m boulanger boulangers | m Bäcker Bäcker
    nurse nurses | f infirmière infirmières | f Krankenschwester Krankenschwestern
    student students | m étudiant étudiants | m Student Studenten Studenten
    brother brothers | m frère frères | m Bruder Brüder
    sister sisters | f sœur sœurs | f Schwester Schwestern
    uncle uncles | m oncle oncles | m Onkel Onkel
    aunt aunts | f tante tantes | f Tante Tanten
    grandmother grandmothers | f grand-mère grands-mères | f Großmutter Großmütter
    grandfather grandfathers | m grand-père grands-pères | m Großvater Großväter
    gardener gardeners | m jardinier jardiniers | m Gärtner Gärtner
    painter painters | m peintre peintres | m Maler Maler
    singer singers | f chanteuse chanteuses | f Sängerin Sängerinnen
    actress actresses | f actrice actrices | f Schauspielerin Schauspielerinnen
    queen queens | f reine reines | f Königin Königinnen
    king kings | m roi rois | m König Könige
    tourist tourists | m touriste touristes | m Tourist Touristen Touristen
    cook cooks | m cuisinier cuisiniers | m Koch Köche
    guest guests | m invité invités | m Gast Gäste
    mother mothers | f mère mères | f Mutter Mütter
    father fathers | m père pères | m Vater Väter
    son sons | m fils fils | m Sohn Söhne
    daughter daughters | f fille filles | f Tochter Töchter
    """,
)

ANIMALS = _nouns(
    ANIMAL,
    """
    dog dogs | m chien chiens | m Hund Hunde
    cat cats | m chat chats | f Katze Katzen
    horse horses | m cheval chevaux | n Pferd Pferde
    bird birds | m oiseau oiseaux | m Vogel Vögel
    lion lions | m lion lions | m Löwe Löwen Löwen
    bear bears | m ours ours | m Bär Bären Bären
    cow cows | f vache vaches | f Kuh Kühe
    sheep sheep | m mouton moutons | n Schaf Schafe
    mouse mice | f souris souris | f Maus Mäuse
    rabbit rabbits | m lapin lapins | n Kaninchen Kaninchen
    fox foxes | m renard renards | m Fuchs Füchse
    wolf wolves | m loup loups | m Wolf Wölfe
    duck ducks | m canard canards | f Ente Enten
    monkey monkeys | m singe singes | m Affe Affen Affen
    elephant elephants | m éléphant éléphants | m Elefant Elefanten Elefanten
    goat goats | f chèvre chèvres | f Ziege Ziegen
    turtle turtles | f tortue tortues | f Schildkröte Schildkröten
    hedgehog hedgehogs | m hérisson hérissons | m Igel Igel
    owl owls | f chouette chouettes | f Eule Eulen
    squirrel squirrels | m écureuil écureuils | n Eichhörnchen Eichhörnchen
    donkey donkeys | m âne ânes | m Esel Esel
    pig pigs | m cochon cochons | n Schwein Schweine
    """,
)

FOODS = _nouns(
    FOOD,
    """
    apple apples | f pomme pommes | m Apfel Äpfel
    pear pears | f poire poires | f Birne Birnen
    cake cakes | m gâteau gâteaux | m Kuchen Kuchen
    egg eggs | m œuf œufs | n Ei Eier
    orange oranges | f orange oranges | f Orange Orangen
    banana bananas | f banane bananes | f Banane Bananen
    tomato tomatoes | f tomate tomates | f Tomate Tomaten
    potato potatoes | f pomme_de_terre pommes_de_terre | f Kartoffel Kartoffeln
    carrot carrots | f carotte carottes | f Karotte Karotten
    cherry cherries | f cerise cerises | f Kirsche Kirschen
    strawberry strawberries | f fraise fraises | f Erdbeere Erdbeeren
    lemon lemons | m citron citrons | f Zitrone Zitronen
    onion onions | m oignon oignons | f Zwiebel Zwiebeln
    mushroom mushrooms | m champignon champignons | m Pilz Pilze
    sandwich sandwiches | m sandwich sandwichs | n Sandwich Sandwiches
    plum plums | f prune prunes | f Pflaume Pflaumen
    sausage sausages | f saucisse saucisses | f Wurst Würste
    """,
)

THINGS = _nouns(
    THING,
    """
    book books | m livre livres | n Buch Bücher
    letter letters | f lettre lettres | m Brief Briefe
    key keys | f clé clés | m Schlüssel Schlüssel
    hat hats | m chapeau chapeaux | m Hut Hüte
    coat coats | m manteau manteaux | m Mantel Mäntel
    shirt shirts | f chemise chemises | n Hemd Hemden
    shoe shoes | f chaussure chaussures | m Schuh Schuhe
    bag bags | m sac sacs | f Tasche Taschen
    umbrella umbrellas | m parapluie parapluies | m Regenschirm Regenschirme
    watch watches | f montre montres | f Uhr Uhren
    cup cups | f tasse tasses | f Tasse Tassen
    plate plates | f assiette assiettes | m Teller Teller
    knife knives | m couteau couteaux | n Messer Messer
    spoon spoons | f cuillère cuillères | m Löffel Löffel
    bottle bottles | f bouteille bouteilles | f Flasche Flaschen
    lamp lamps | f lampe lampes | f Lampe Lampen
    picture pictures | f image images | n Bild Bilder
    newspaper newspapers | m journal journaux | f Zeitung Zeitungen
    guitar guitars | f guitare guitares | f Gitarre Gitarren
    ball balls | m ballon ballons | m Ball Bälle
    flower flowers | f fleur fleurs | f Blume Blumen
    box boxes | f boîte boîtes | f Kiste Kisten
    gift gifts | m cadeau cadeaux | n Geschenk Geschenke
    map maps | f carte cartes | f Karte Karten
    pencil pencils | m crayon crayons | m Bleistift Bleistifte
    mirror mirrors | m miroir miroirs | m Spiegel Spiegel
    dress dresses | f robe robes | n Kleid Kleider
    basket baskets | m panier paniers | m Korb Körbe
    scarf scarves | f écharpe écharpes | m Schal Schals
    ring rings | f bague bagues | m Ring Ringe
    blanket blankets | f couverture couvertures | f Decke Decken
    ladder ladders | f échelle échelles | f Leiter Leitern
    doll dolls | f poupée poupées | f Puppe Puppen
    candle candles | f bougie bougies | f Kerze Kerzen
    """,
)

VEHICLES = _nouns(
    VEHICLE,
    """
    car cars | f voiture voitures | n Auto Autos
    bicycle bicycles | m vélo vélos | n Fahrrad Fahrräder
    boat boats | m bateau bateaux | n Boot Boote
    bus buses | m bus bus | m Bus Busse
    truck trucks | m camion camions | m Lastwagen Lastwagen
    motorcycle motorcycles | f moto motos | n Motorrad Motorräder
    """,
)

FURNITURES = _nouns(
    FURNITURE,
    """
    table tables | f table tables | m Tisch Tische
    chair chairs | f chaise chaises | m Stuhl Stühle
    bed beds | m lit lits | n Bett Betten
    sofa sofas | m canapé canapés | n Sofa Sofas
    cupboard cupboards | f armoire armoires | m Schrank Schränke
    desk desks | m bureau bureaux | m Schreibtisch Schreibtische
    """,
)

OPENINGS = _nouns(
    OPENING,
    """
    door doors | f porte portes | f Tür Türen
    window windows | f fenêtre fenêtres | n Fenster Fenster
    gate gates | m portail portails | n Tor Tore
    """,
)

PLACES = _nouns(
    PLACE,
    """
    house houses | f maison maisons | n Haus Häuser
    garden gardens | m jardin jardins | m Garten Gärten
    school schools | f école écoles | f Schule Schulen
    church churches | f église églises | f Kirche Kirchen
    hotel hotels | m hôtel hôtels | n Hotel Hotels
    kitchen kitchens | f cuisine cuisines | f Küche Küchen
    room rooms | f chambre chambres | n Zimmer Zimmer
    shop shops | m magasin magasins | m Laden Läden
    hospital hospitals | m hôpital hôpitaux | n Krankenhaus Krankenhäuser
    museum museums | m musée musées | n Museum Museen
    library libraries | f bibliothèque bibliothèques | f Bibliothek Bibliotheken
    park parks | m parc parcs | m Park Parks
    restaurant restaurants | m restaurant restaurants | n Restaurant Restaurants
    forest forests | f forêt forêts | m Wald Wälder
    castle castles | m château châteaux | n Schloss Schlösser
    village villages | m village villages | n Dorf Dörfer
    town towns | f ville villes | f Stadt Städte
    """,
)

NOUNS = PEOPLE + ANIMALS + FOODS + THINGS + VEHICLES + FURNITURES + OPENINGS + PLACES

_LIVING = (PERSON, ANIMAL)
_SOLID = (THING, VEHICLE, FURNITURE, OPENING, PLACE)


def _adjectives() -> tuple[Adjective, ...]:
    """One adjective a line: English (comparative) / French m, f, m pl., f pl., before or after / German, stem, comp.

    A sixth French form is the masculine singular before a vowel (un vieil homme); "-" is "none".
    """
    tables: tuple[tuple[tuple[str, ...], str], ...] = (
        (
            (*_LIVING, *_SOLID),
            """
            big bigger | grand grande grands grandes before | groß groß größer
            small smaller | petit petite petits petites before | klein klein kleiner
            beautiful - | beau belle beaux belles before bel | schön schön -
            old older | vieux vieille vieux vieilles before vieil | alt alt älter
            """,
        ),
        (
            _LIVING,
            """
            young younger | jeune jeune jeunes jeunes before | jung jung jünger
            hungry - | affamé affamée affamés affamées after | hungrig hungrig -
            tired - | fatigué fatiguée fatigués fatiguées after | müde müd -
            happy happier | heureux heureuse heureux heureuses after | glücklich glücklich glücklicher
            sad sadder | triste triste tristes tristes after | traurig traurig trauriger
            strong stronger | fort forte forts fortes after | stark stark stärker
            patient - | patient patiente patients patientes after | geduldig geduldig -
            brave braver | courageux courageuse courageux courageuses after | mutig mutig mutiger
            curious - | curieux curieuse curieux curieuses after | neugierig neugierig -
            clever cleverer | intelligent intelligente intelligents intelligentes after | klug klug klüger
            lazy lazier | paresseux paresseuse paresseux paresseuses after | faul faul fauler
            quiet quieter | calme calme calmes calmes after | ruhig ruhig ruhiger
            """,
        ),
        (
            (PERSON, PLACE),
            """
            famous - | célèbre célèbre célèbres célèbres after | berühmt berühmt -
            """,
        ),
        (
            (VEHICLE, FURNITURE, PLACE),
            """
            modern - | moderne moderne modernes modernes after | modern modern -
            """,
        ),
        (
            (PERSON,),
            """
            polite - | poli polie polis polies after | höflich höflich -
            rich richer | riche riche riches riches after | reich reich reicher
            serious - | sérieux sérieuse sérieux sérieuses after | ernst ernst -
            friendly - | aimable aimable aimables aimables after | freundlich freundlich -
            """,
        ),
        (
            (ANIMAL, THING, VEHICLE),
            """
            white - | blanc blanche blancs blanches after | weiß weiß -
            black - | noir noire noirs noires after | schwarz schwarz -
            grey - | gris grise gris grises after | grau grau -
            """,
        ),
        (
            _SOLID,
            """
            new newer | nouveau nouvelle nouveaux nouvelles before nouvel | neu neu neuer
            ugly uglier | laid laide laids laides after | hässlich hässlich hässlicher
            """,
        ),
        (
            (THING, VEHICLE, FURNITURE, OPENING),
            """
            red - | rouge rouge rouges rouges after | rot rot -
            blue - | bleu bleue bleus bleues after | blau blau -
            green - | vert verte verts vertes after | grün grün -
            yellow - | jaune jaune jaunes jaunes after | gelb gelb -
            heavy heavier | lourd lourde lourds lourdes after | schwer schwer schwerer
            expensive - | cher chère chers chères after | teuer teur -
            cheap - | bon_marché bon_marché bon_marché bon_marché after | billig billig -
            dirty dirtier | sale sale sales sales after | schmutzig schmutzig schmutziger
            clean cleaner | propre propre propres propres after | sauber sauber sauberer
            useful - | utile utile utiles utiles after | nützlich nützlich -
            broken - | cassé cassée cassés cassées after | kaputt kaputt -
            pretty prettier | joli jolie jolis jolies before | hübsch hübsch hübscher
            """,
        ),
        (
            (FOOD,),
            """
            good - | bon bonne bons bonnes before | gut gut -
            big bigger | gros grosse gros grosses before | groß groß größer
            small smaller | petit petite petits petites before | klein klein kleiner
            fresh fresher | frais fraîche frais fraîches after | frisch frisch frischer
            delicious - | délicieux délicieuse délicieux délicieuses after | köstlich köstlich -
            cold colder | froid froide froids froides after | kalt kalt kälter
            expensive - | cher chère chers chères after | teuer teur -
            """,
        ),
        (
            (PLACE,),
            """
            pleasant - | agréable agréable agréables agréables after | angenehm angenehm -
            quiet quieter | tranquille tranquille tranquilles tranquilles after | ruhig ruhig ruhiger
            dark darker | sombre sombre sombres sombres after | dunkel dunkl -
            """,
        ),
    )
    adjectives = []
    for kinds, table in tables:
        for line in table.strip().splitlines():
            english, french, german = (part.split() for part in line.split("|"))
            m, f, mp, fp = (form.replace("_", " ") for form in french[:4])
            adjectives.append(
                Adjective(
                    kinds,
                    english[0],
                    (m, f, mp, fp),
                    french[4] == "before",
                    french[5] if len(french) > 5 else m,
                    german[0],
                    german[1],
                    "" if english[1] == "-" else english[1],
                    "" if german[2] == "-" else german[2],
                )
            )
    return tuple(adjectives)


ADJECTIVES = _adjectives()


def _verbs() -> tuple[Verb, ...]:
    """One verb a line: English he-form, past, base / French six forms, infinitive, participle / German ich, du, er
    and wir form, participle, and "dat" where its object is in the dative. All take `avoir` and `haben`."""
    tables: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
        (
            _LIVING,
            (PERSON, ANIMAL, FOOD, THING, VEHICLE, FURNITURE),
            """
            sees saw see | vois vois voit voyons voyez voient voir vu | sehe siehst sieht sehen gesehen
            finds found find | trouve trouves trouve trouvons trouvez trouvent trouver trouvé | finde findest findet finden gefunden
            """,
        ),
        (
            _LIVING,
            (PERSON, ANIMAL, THING),
            """
            looks_for looked_for look_for | cherche cherches cherche cherchons cherchez cherchent chercher cherché | suche suchst sucht suchen gesucht
            """,
        ),
        (
            _LIVING,
            (PERSON, ANIMAL),
            """
            hears heard hear | entends entends entend entendons entendez entendent entendre entendu | höre hörst hört hören gehört
            """,
        ),
        (
            (PERSON,),
            (PERSON, ANIMAL),
            """
            calls called call | appelle appelles appelle appelons appelez appellent appeler appelé | rufe rufst ruft rufen gerufen
            helps helped help | aide aides aide aidons aidez aident aider aidé | helfe hilfst hilft helfen geholfen dat
            watches watched watch | observe observes observe observons observez observent observer observé | beobachte beobachtest beobachtet beobachten beobachtet
            protects protected protect | protège protèges protège protégeons protégez protègent protéger protégé | beschütze beschützt beschützt beschützen beschützt
            """,
        ),
        (
            (PERSON,),
            (PERSON,),
            """
            greets greeted greet | salue salues salue saluons saluez saluent saluer salué | grüße grüßt grüßt grüßen gegrüßt
            thanks thanked thank | remercie remercies remercie remercions remerciez remercient remercier remercié | danke dankst dankt danken gedankt dat
            admires admired admire | admire admires admire admirons admirez admirent admirer admiré | bewundere bewunderst bewundert bewundern bewundert
            understands understood understand | comprends comprends comprend comprenons comprenez comprennent comprendre compris | verstehe verstehst versteht verstehen verstanden
            """,
        ),
        (
            (PERSON,),
            (FOOD, THING, VEHICLE, FURNITURE),
            """
            buys bought buy | achète achètes achète achetons achetez achètent acheter acheté | kaufe kaufst kauft kaufen gekauft
            sells sold sell | vends vends vend vendons vendez vendent vendre vendu | verkaufe verkaufst verkauft verkaufen verkauft
            chooses chose choose | choisis choisis choisit choisissons choisissez choisissent choisir choisi | wähle wählst wählt wählen gewählt
            """,
        ),
        (
            (PERSON,),
            (FOOD, THING),
            """
            brings brought bring | apporte apportes apporte apportons apportez apportent apporter apporté | bringe bringst bringt bringen gebracht
            takes took take | prends prends prend prenons prenez prennent prendre pris | nehme nimmst nimmt nehmen genommen
            carries carried carry | porte portes porte portons portez portent porter porté | trage trägst trägt tragen getragen
            hides hid hide | cache caches cache cachons cachez cachent cacher caché | verstecke versteckst versteckt verstecken versteckt
            forgets forgot forget | oublie oublies oublie oublions oubliez oublient oublier oublié | vergesse vergisst vergisst vergessen vergessen
            """,
        ),
        (
            (PERSON,),
            (THING,),
            """
            loses lost lose | perds perds perd perdons perdez perdent perdre perdu | verliere verlierst verliert verlieren verloren
            keeps kept keep | garde gardes garde gardons gardez gardent garder gardé | behalte behältst behält behalten behalten
            """,
        ),
        (
            _LIVING,
            (FOOD,),
            """
            eats ate eat | mange manges mange mangeons mangez mangent manger mangé | esse isst isst essen gegessen
            """,
        ),
        (
            (PERSON,),
            (FOOD,),
            """
            tastes tasted taste | goûte goûtes goûte goûtons goûtez goûtent goûter goûté | probiere probierst probiert probieren probiert
            cuts cut cut | coupe coupes coupe coupons coupez coupent couper coupé | schneide schneidest schneidet schneiden geschnitten
            """,
        ),
        (
            (PERSON,),
            (VEHICLE, FURNITURE, OPENING),
            """
            cleans cleaned clean | nettoie nettoies nettoie nettoyons nettoyez nettoient nettoyer nettoyé | putze putzt putzt putzen geputzt
            repairs repaired repair | répare répares répare réparons réparez réparent réparer réparé | repariere reparierst repariert reparieren repariert
            """,
        ),
        (
            (PERSON,),
            (OPENING,),
            """
            opens opened open | ouvre ouvres ouvre ouvrons ouvrez ouvrent ouvrir ouvert | öffne öffnest öffnet öffnen geöffnet
            closes closed close | ferme fermes ferme fermons fermez ferment fermer fermé | schließe schließt schließt schließen geschlossen
            """,
        ),
        (
            (PERSON,),
            (PERSON, ANIMAL, PLACE),
            """
            photographs photographed photograph | photographie photographies photographie photographions photographiez photographient photographier photographié | fotografiere fotografierst fotografiert fotografieren fotografiert
            draws drew draw | dessine dessines dessine dessinons dessinez dessinent dessiner dessiné | zeichne zeichnest zeichnet zeichnen gezeichnet
            """,
        ),
        (
            (PERSON,),
            (PLACE,),
            """
            visits visited visit | visite visites visite visitons visitez visitent visiter visité | besuche besuchst besucht besuchen besucht
            """,
        ),
        (
            (ANIMAL,),
            _LIVING,
            """
            chases chased chase | poursuis poursuis poursuit poursuivons poursuivez poursuivent poursuivre poursuivi | verfolge verfolgst verfolgt verfolgen verfolgt
            """,
        ),
    )
    return tuple(
        _verb(subjects, objects, line) for subjects, objects, table in tables for line in table.strip().splitlines()
    )


def _verb(subjects: tuple[str, ...], objects: tuple[str, ...], line: str) -> Verb:
    english, french, german = (part.split() for part in line.split("|"))
    he_form, past, base = (form.replace("_", " ") for form in english)
    je, tu, il, nous, vous, ils, infinitive, participle = french
    ich, du, er, wir, german_participle = german[:5]
    case = german[5] if len(german) > 5 else "acc"
    return Verb(
        subjects, objects, (he_form, past, base), (je, tu, il, nous, vous, ils), infinitive, participle,
        (ich, du, er, wir), german_participle, case,
    )  # fmt: skip


VERBS = _verbs()

HAVE = _verb(
    (PERSON,),
    (ANIMAL, THING, VEHICLE),
    "has had have | ai as a avons avez ont avoir eu | habe hast hat haben gehabt",
)
LIKE = _verb(
    _LIVING,
    (FOOD, ANIMAL),
    "likes liked like | aime aimes aime aimons aimez aiment aimer aimé | mag magst mag mögen gemocht",
)
# Verbs of giving: somebody (German dative) gets something (German accusative).
GIVING = tuple(
    _verb((PERSON,), (FOOD, THING), line)
    for line in (
        "gives gave give | donne donnes donne donnons donnez donnent donner donné | gebe gibst gibt geben gegeben",
        "shows showed show | montre montres montre montrons montrez montrent montrer montré"
        " | zeige zeigst zeigt zeigen gezeigt",
        "sends sent send | envoie envoies envoie envoyons envoyez envoient envoyer envoyé"
        " | schicke schickst schickt schicken geschickt",
        "brings brought bring | apporte apportes apporte apportons apportez apportent apporter apporté"
        " | bringe bringst bringt bringen gebracht",
        "sells sold sell | vends vends vend vendons vendez vendent vendre vendu"
        " | verkaufe verkaufst verkauft verkaufen verkauft",
        "promises promised promise | promets promets promet promettons promettez promettent promettre promis"
        " | verspreche versprichst verspricht versprechen versprochen",
    )
)
MODALS = (
    _verb(
        _LIVING,
        (),
        "can could can | peux peux peut pouvons pouvez peuvent pouvoir pu | kann kannst kann können gekonnt",
    ),
    _verb(
        _LIVING,
        (),
        "must must must | dois dois doit devons devez doivent devoir dû | muss musst muss müssen gemusst",
    ),
    _verb(
        _LIVING,
        (),
        "wants_to wanted_to want_to | veux veux veut voulons voulez veulent vouloir voulu"
        " | will willst will wollen gewollt",
    ),
)

PREPOSITIONS = (
    Preposition((PLACE,), "in", "dans", "in", "dat"),
    Preposition((PLACE,), "near", "près de", "bei", "dat"),
    Preposition((PLACE, VEHICLE, OPENING), "in front of", "devant", "vor", "dat"),
    Preposition((PLACE, VEHICLE, FURNITURE), "behind", "derrière", "hinter", "dat"),
    Preposition((VEHICLE, FURNITURE, OPENING), "next to", "à côté de", "neben", "dat"),
    Preposition((FURNITURE,), "under", "sous", "unter", "dat"),
)
COMPANIONS = (
    Preposition((PERSON,), "with", "avec", "mit", "dat"),
    Preposition((PERSON,), "for", "pour", "für", "acc"),
    Preposition((PERSON,), "without", "sans", "ohne", "acc"),
)

# (English, French, German) adverbs of time that open a sentence, by tense.
TIMES = {
    "present": (
        ("Every morning", "Chaque matin", "Jeden Morgen"),
        ("Every day", "Chaque jour", "Jeden Tag"),
        ("Every evening", "Chaque soir", "Jeden Abend"),
        ("Every week", "Chaque semaine", "Jede Woche"),
        ("Sometimes", "Parfois", "Manchmal"),
        ("In summer", "En été", "Im Sommer"),
        ("In winter", "En hiver", "Im Winter"),
    ),
    "past": (
        ("Yesterday", "Hier", "Gestern"),
        ("Last week", "La semaine dernière", "Letzte Woche"),
        ("Last year", "L'année dernière", "Letztes Jahr"),
        ("Yesterday morning", "Hier matin", "Gestern Morgen"),
        ("On Monday", "Lundi", "Am Montag"),
    ),
    "future": (
        ("Tomorrow", "Demain", "Morgen"),
        ("Tonight", "Ce soir", "Heute Abend"),
        ("Next week", "La semaine prochaine", "Nächste Woche"),
        ("Next year", "L'année prochaine", "Nächstes Jahr"),
        ("On Friday", "Vendredi", "Am Freitag"),
    ),
}

NUMBERS = (
    ("two", "deux", "zwei"),
    ("three", "trois", "drei"),
    ("four", "quatre", "vier"),
    ("five", "cinq", "fünf"),
    ("six", "six", "sechs"),
    ("seven", "sept", "sieben"),
    ("ten", "dix", "zehn"),
)

# Verbs of motion towards a place, where German would need the accusative: they are said without one.
DIRECTED = frozenset({"brings"})

# Nouns that change their meaning with an owner: "ma femme" and "meine Frau" are "my wife".
UNOWNED = frozenset({"man", "woman", "girl", "boy"})

# Words before which French does not elide although they begin with h.
ASPIRATED = frozenset({"hérisson", "hérissons"})

# (English noun, English adjective) whose French would mean something else: "petit ami" is a boyfriend.
FALSE_PAIRS = frozenset(
    {("friend", word) for word in ("small", "big", "young", "old")}
    | {(noun, "old") for noun in ("boy", "girl", "child", "son", "daughter")}
    | {(noun, "small") for noun in ("son", "daughter")}
    | {(noun, "big") for noun in ("father", "mother", "man", "grandfather", "grandmother")}
    | {(noun, "beautiful") for noun in ("father", "mother", "brother", "sister", "son", "daughter", "child")}
)
