"""What a run says of its data: where they come from, what became of them, who is in which part."""

from collections import Counter

from engine.base.wording import counted, noun
from engine.data.split import PARTS, Split
from engine.evaluation.headline import percents
from engine.report.checklist.item import Answer, Place, State, answered, in_part, lacking, section
from engine.report.facts import Facts

_PARTS = Place("split.csv", ("part",))


def _by_class(facts: Facts) -> str:
    counts = Counter(row.label for row in facts.rows)
    return ", ".join(f"{n:,} {label}" for label, n in counts.items())


def source(facts: Facts) -> Answer:
    """Where the images come from."""
    text = f"Folder {facts.folder}: {counted(len(facts.rows), 'image')} ({_by_class(facts)})."
    where = (section("Data"), Place("split.csv", ("file",)))
    if not facts.sources:
        return in_part(f"{text} No metadata beside the images name where they come from.", *where)
    named = {source for own in facts.sources.values() for source in own}
    text += f" Metadata name {counted(len(named), 'source')} for {facts.sourced:,} of the images."
    if facts.apart:
        text += " No source has images of two classes."
    return answered(text, *where)


def sound_source(facts: Facts) -> Answer:
    """Where the images come from, where it is asked whether that is a sound source."""
    found = source(facts)
    return in_part(f"{found.text} Whether that is fit for the purpose no file tells.", *found.places)


def chosen(facts: Facts) -> Answer:
    """Which of the images were used."""
    names = facts.config.data.class_names
    every = "All classes of a table were used." if facts.config.data.labels else "All class folders were used."
    which = f"The classes {', '.join(names)} were picked." if names else every
    text = f"{which} Of these, every image that could be read: {counted(len(facts.rows), 'image')}."
    if facts.mended.used:
        text = f"{which} {facts.mended.used} Of the rest, every image that could be read: "
        text += f"{counted(len(facts.rows), 'image')}."
    return answered(text, Place("config.json", ("data", "classes")), section("Data"))


def preparation(facts: Facts) -> Answer:
    """What is done to an image before the network sees it."""
    text = (
        "The whole image is squashed to the network's size, grey in three equal channels, and preprocessed as the "
        "backbone's first weights want it; each image in the same way, whatever its class."
    )
    places = [Place("model.json", ("input",)), Place("model.json", ("preprocessing",)), section("Model")]
    if facts.environment.reading:
        places.append(Place("environment.json", ("reading",)))
    return answered(text, *places)


def unreadable(facts: Facts) -> Answer:
    """How missing or unreadable images were handled."""
    tested = sum(row.part == "test" for row in facts.rows)
    text = (
        "An image that can't be read is left out and named; nothing is filled in. Of "
        f"{counted(tested, 'test image')} {facts.test.n:,} {noun(facts.test.n, 'was', 'were')} answered."
    )
    text += f" The training warned: {' '.join(facts.left_out)}" if facts.left_out else " The training warned of none."
    return answered(text, Place("test.json", ("n",)), _PARTS, Place("events.jsonl"))


def assignment(facts: Facts) -> Answer:
    """How images were put into parts."""
    counts = Split(facts.rows).counts()
    total = ", ".join(f"{sum(counts[part].values()):,} {part}" for part in PARTS)
    seed, given = Place("config.json", ("machine", "seed")), facts.config.data.split is not None
    if given:
        return in_part(f"A given split was reused ({total}); who drew it, and how, is not recorded.", _PARTS)
    if facts.published:
        return answered(f"The folders publish a split, which was used ({total}).", _PARTS, section("Partitions"))
    text = f"Drawn by class at random with seed {facts.config.machine.seed}: {total}."
    shares = [Place("config.json", ("data", name)) for name in ("val_share", "test_share")]
    return answered(text, _PARTS, seed, *shares, section("Partitions"))


def level(facts: Facts) -> Answer:
    """At which level the parts are disjoint."""
    near = Place("config.json", ("data", "near_duplicates"))
    where = (Place("split.csv", ("sha",)), near, Place("config.json", ("data", "group_by")), section("Partitions"))
    if facts.leaks:
        some = counted(len(facts.leaks), "picture")
        return answered(f"They are not: {some} {noun(len(facts.leaks), 'lies', 'lie')} in two parts.", *where)
    text = "By picture: no two parts share an image with the same pixels"
    if facts.config.data.near_duplicates and facts.config.data.split is None and not facts.published:
        text += ", and near duplicates were kept together"
    if facts.together:
        return answered(f"{text}. By patient: {facts.together}", *where)
    return in_part(f"{text}. Not by patient: nothing in the run tells patients apart.", *where)


def leakage(facts: Facts) -> Answer:
    """Was it seen to that nothing of the test is in the training?"""
    found = level(facts)
    text = f"{found.text} Temperature, threshold and the kept model come from images that are not in the test part."
    return Answer(text, (*found.places, Place("calibration.json", ("n",))), found.state)


def sizes(facts: Facts) -> Answer:
    """How many images there are in each part and class."""
    counts = Split(facts.rows).counts()
    text = "; ".join(f"{part}: {', '.join(f'{n:,} {label}' for label, n in counts[part].items())}" for part in PARTS)
    return answered(f"Images, {text}.", _PARTS, Place("split.csv", ("class",)), section("Partitions"))


def flow(facts: Facts) -> Answer:
    """How many images, and patients, were taken in and left out."""
    found, lost = sizes(facts), unreadable(facts)
    places = (*found.places, Place("test.json", ("n",)))
    if not facts.together:
        return in_part(f"{found.text} {lost.text} Patients are not counted, as they can't be told apart.", *places)
    return answered(f"{found.text} {lost.text} {facts.together}", *places)


def characteristics(facts: Facts) -> Answer:
    """Who the people in each part are."""
    found = sizes(facts)
    if facts.subgroups:
        names = ", ".join(one.field for one in facts.subgroups.fields)
        text = f"{found.text} The test images by {names} are on the card, those of the other parts are not in the run."
        return in_part(text, *found.places, section("Results by groups"))
    text = f"{found.text} Age, sex, view and machine are not in the run."
    if facts.sources:
        return in_part(f"{text} Sources by class are on the card.", *found.places, section("Data"))
    return in_part(text, *found.places)


def enough_to_learn(facts: Facts) -> Answer:
    """Were there enough images to learn from?"""
    if facts.curve is None:
        text = "The run has no learning curve: `covid-tui curve DATA` measures what more images would bring."
        return lacking(text, section("Limits"))
    places = (Place("curve.json", ("images",)), Place("curve.json", ("law",)), section("Training"))
    return answered(f"{facts.curve.sentence} {facts.curve.doubts}", *places)


def enough_to_test(facts: Facts) -> Answer:
    """Were there enough images to test on?"""
    low, high = facts.test.accuracy_ci
    text = (
        f"{counted(facts.test.n, 'test image')}: the 95% interval of the accuracy is {100 * (high - low):.1f} points "
        f"wide ({percents((low, high))})."
    )
    return answered(text, Place("test.json", ("n",)), Place("test.json", ("accuracy_ci",)), section("Limits"))


def enough(facts: Facts) -> Answer:
    """Were there enough images, to learn from and to test on?"""
    learning, testing = enough_to_learn(facts), enough_to_test(facts)
    state: State = "answered" if learning.state == "answered" else "in part"
    return Answer(f"{learning.text} {testing.text}", (*learning.places, *testing.places), state)


def alike(facts: Facts) -> Answer:
    """Were the images of all classes taken and stored in the same way, as far as files tell?"""
    if facts.alarms:
        return answered(f"No. {' '.join(facts.alarms)}", section("Data"))
    text = (
        "Size, format, border level and, where metadata name it, source were compared between the classes when the "
        "folder was read, without an alarm. How the images were taken is not in the files"
    )
    return in_part(f"{text}.", section("Data"), Place("events.jsonl"))
