"""What a run says of its data: where they come from, what became of them, who is in which part."""

from collections import Counter
from collections.abc import Mapping

from engine.base.language import tr, trn
from engine.base.wording import counted, in_turn, listing
from engine.data.split import PARTS, Split
from engine.evaluation.headline import percents
from engine.report.checklist.item import Answer, Place, State, answered, in_part, lacking, section
from engine.report.facts import Facts

_PARTS = Place("split.csv", ("part",))


def _by_class(facts: Facts) -> str:
    counts = Counter(row.label for row in facts.rows)
    return in_classes(counts)


def in_classes(counts: Mapping[str, int]) -> str:
    """So many images of each class."""
    return listing(tr("{n:,} {label}", n=n, label=label) for label, n in counts.items())


def source(facts: Facts) -> Answer:
    """Where the images come from."""
    images = counted(len(facts.rows), "image")
    text = tr("Folder {folder}: {images} ({by_class}).", folder=facts.folder, images=images, by_class=_by_class(facts))
    where = (section("Data"), Place("split.csv", ("file",)))
    if not facts.sources:
        return in_part(in_turn(text, tr("No metadata beside the images name where they come from.")), *where)
    named = {source for own in facts.sources.values() for source in own}
    sources = counted(len(named), "source")
    known = tr("Metadata name {sources} for {count:,} of the images.", sources=sources, count=facts.sourced)
    apart = tr("No source has images of two classes.") if facts.apart else ""
    return answered(in_turn(text, known, apart), *where)


def sound_source(facts: Facts) -> Answer:
    """Where the images come from, where it is asked whether that is a sound source."""
    found = source(facts)
    return in_part(in_turn(found.text, tr("Whether that is fit for the purpose no file tells.")), *found.places)


def chosen(facts: Facts) -> Answer:
    """Which of the images were used."""
    names = facts.config.data.class_names
    every = tr("All classes of a table were used." if facts.config.data.labels else "All class folders were used.")
    which = tr("The classes {names} were picked.", names=listing(names)) if names else every
    images = counted(len(facts.rows), "image")
    if facts.mended.used:
        read = tr("Of the rest, every image that could be read: {images}.", images=images)
    else:
        read = tr("Of these, every image that could be read: {images}.", images=images)
    text = in_turn(which, facts.mended.used, read)
    return answered(text, Place("config.json", ("data", "classes")), section("Data"))


def preparation(facts: Facts) -> Answer:
    """What is done to an image before the network sees it."""
    text = tr(
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
    left_out = tr("An image that can't be read is left out and named; nothing is filled in.")
    said = trn(
        "Of {images} {number} was answered.",
        "Of {images} {number} were answered.",
        facts.test.n,
        images=counted(tested, "test image"),
    )
    if facts.left_out:
        warned = tr("The training warned: {warnings}", warnings=in_turn(*facts.left_out))
    else:
        warned = tr("The training warned of none.")
    return answered(in_turn(left_out, said, warned), Place("test.json", ("n",)), _PARTS, Place("events.jsonl"))


def assignment(facts: Facts) -> Answer:
    """How images were put into parts."""
    counts = Split(facts.rows).counts()
    total = listing(tr("{n:,} {label}", n=sum(counts[part].values()), label=tr(part)) for part in PARTS)
    seed, given = Place("config.json", ("machine", "seed")), facts.config.data.split is not None
    if given:
        text = tr("A given split was reused ({total}); who drew it, and how, is not recorded.", total=total)
        return in_part(text, _PARTS)
    if facts.published:
        text = tr("The folders publish a split, which was used ({total}).", total=total)
        return answered(text, _PARTS, section("Partitions"))
    text = tr("Drawn by class at random with seed {seed}: {total}.", seed=facts.config.machine.seed, total=total)
    shares = [Place("config.json", ("data", name)) for name in ("val_share", "test_share")]
    return answered(text, _PARTS, seed, *shares, section("Partitions"))


def level(facts: Facts) -> Answer:
    """At which level the parts are disjoint."""
    near = Place("config.json", ("data", "near_duplicates"))
    where = (Place("split.csv", ("sha",)), near, Place("config.json", ("data", "group_by")), section("Partitions"))
    if facts.leaks:
        lie = trn(
            "They are not: {number} picture lies in two parts.",
            "They are not: {number} pictures lie in two parts.",
            len(facts.leaks),
        )
        return answered(lie, *where)
    if facts.config.data.near_duplicates and facts.config.data.split is None and not facts.published:
        pictures = tr(
            "By picture: no two parts share an image with the same pixels, and near duplicates were kept together."
        )
    else:
        pictures = tr("By picture: no two parts share an image with the same pixels.")
    if facts.together:
        return answered(in_turn(pictures, tr("By patient: {sentence}", sentence=facts.together)), *where)
    return in_part(in_turn(pictures, tr("Not by patient: nothing in the run tells patients apart.")), *where)


def leakage(facts: Facts) -> Answer:
    """Was it seen to that nothing of the test is in the training?"""
    found = level(facts)
    apart = tr("Temperature, threshold and the kept model come from images that are not in the test part.")
    return Answer(in_turn(found.text, apart), (*found.places, Place("calibration.json", ("n",))), found.state)


def sizes(facts: Facts) -> Answer:
    """How many images there are in each part and class."""
    counts = Split(facts.rows).counts()
    each = [tr("{part}: {counts}", part=tr(part), counts=in_classes(counts[part])) for part in PARTS]
    return answered(
        tr("Images, {by_part}.", by_part=tr("; ").join(each)),
        _PARTS,
        Place("split.csv", ("class",)),
        section("Partitions"),
    )


def flow(facts: Facts) -> Answer:
    """How many images, and patients, were taken in and left out."""
    found, lost = sizes(facts), unreadable(facts)
    places = (*found.places, Place("test.json", ("n",)))
    if not facts.together:
        text = in_turn(found.text, lost.text, tr("Patients are not counted, as they can't be told apart."))
        return in_part(text, *places)
    return answered(in_turn(found.text, lost.text, facts.together), *places)


def characteristics(facts: Facts) -> Answer:
    """Who the people in each part are."""
    found = sizes(facts)
    if facts.subgroups:
        text = tr(
            "The test images by {names} are on the card, those of the other parts are not in the run.",
            names=listing(one.field for one in facts.subgroups.fields),
        )
        return in_part(in_turn(found.text, text), *found.places, section("Results by groups"))
    text = in_turn(found.text, tr("Age, sex, view and machine are not in the run."))
    if facts.sources:
        text = in_turn(text, tr("Sources by class are on the card."))
        return in_part(text, *found.places, section("Data"))
    return in_part(text, *found.places)


def enough_to_learn(facts: Facts) -> Answer:
    """Were there enough images to learn from?"""
    if facts.curve is None:
        text = tr("The run has no learning curve: `covid-tui curve DATA` measures what more images would bring.")
        return lacking(text, section("Limits"))
    places = (Place("curve.json", ("images",)), Place("curve.json", ("law",)), section("Training"))
    return answered(in_turn(facts.curve.sentence, facts.curve.doubts), *places)


def enough_to_test(facts: Facts) -> Answer:
    """Were there enough images to test on?"""
    low, high = facts.test.accuracy_ci
    text = tr(
        "{images}: the 95% interval of the accuracy is {width:.1f} points wide ({interval}).",
        images=counted(facts.test.n, "test image"),
        width=100 * (high - low),
        interval=percents((low, high)),
    )
    return answered(text, Place("test.json", ("n",)), Place("test.json", ("accuracy_ci",)), section("Limits"))


def enough(facts: Facts) -> Answer:
    """Were there enough images, to learn from and to test on?"""
    learning, testing = enough_to_learn(facts), enough_to_test(facts)
    state: State = "answered" if learning.state == "answered" else "in part"
    return Answer(in_turn(learning.text, testing.text), (*learning.places, *testing.places), state)


def alike(facts: Facts) -> Answer:
    """Were the images of all classes taken and stored in the same way, as far as files tell?"""
    if facts.alarms:
        return answered(in_turn(tr("No."), *facts.alarms), section("Data"))
    text = tr(
        "Size, format, border level and, where metadata name it, source were compared between the classes when the "
        "folder was read, without an alarm. How the images were taken is not in the files."
    )
    return in_part(text, section("Data"), Place("events.jsonl"))
