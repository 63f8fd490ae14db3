"""The queue loses nothing: each decision is on disk before the next image, and what is undone is as it was."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.errors import DataError
from engine.data.corrections import Correction, Key
from engine.data.corrections_file import CorrectionsFile
from engine.review.queue import Queue, key_of
from engine.review.suspects import Review, Suspect, Unshown


def suspect(number: int) -> Suspect:
    return Suspect(f"A/{number}.png", f"{number:064x}", "A", "train", ("label",), ("why",), 0.0, 0.1, "B", 0.9, ())


def review(count: int, more: int = 0, blind: int = 0) -> Review:
    return Review(
        "folder", ("A", "B"), 100, 10, 90,
        tuple(map(suspect, range(count))), tuple(map(suspect, range(count, count + more))),
        tuple(Unshown(f"B/{n}.png", f"{1000 + n:064x}", "B") for n in range(blind)),
    )  # fmt: skip


STEPS = st.lists(st.sampled_from(["keep", "leave-out", "unsure", "relabel", "undo", "next", "back", "note", "again"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=STEPS)
def test_the_table_always_says_what_was_decided_and_not_undone(steps: list[str], tmp_path: Path) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    for path in (file.path, file.undo_path):
        path.unlink(missing_ok=True)
    queue = Queue(review(5, blind=2), file)
    model: dict[Key, tuple[str, str]] = {}
    past: list[tuple[Key, tuple[str, str] | None]] = []
    for step in steps:
        item = queue.item
        assert item
        key = key_of(item)
        before = model.get(key)
        if step == "again":
            queue = Queue(review(5, blind=2), file)
        elif step in ("next", "back"):
            queue.step(1 if step == "next" else -1)
        elif step == "undo":
            queue.undo()
            if past:
                place, old = past.pop()
                model.pop(place, None)
                if old:
                    model[place] = old
        elif step == "note":
            queue.note("seen")
            past.append((key, before))
            model[key] = (before[0] if before else "unsure", "seen")
        else:
            queue.decide(step, "B" if step == "relabel" else "")  # type: ignore[arg-type]
            past.append((key, before))
            model[key] = (step, before[1] if before else "")
        assert {k: (one.decision, one.note) for k, one in file.read().items()} == model
        assert queue.done == len(model)


def test_decisions_of_an_earlier_visit_are_taken_back_the_latest_first_wherever_their_images_are(
    tmp_path: Path,
) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    earlier = Queue(review(2, more=2), file)
    earlier.decide("keep")
    earlier.decide("leave-out")
    earlier.more()
    earlier.decide("unsure")
    queue = Queue(review(2, more=2), CorrectionsFile(file.path))
    assert queue.can_undo and len(queue.items) == 2
    taken = queue.undo()
    assert taken and (taken.after.decision, taken.after.file) == ("unsure", "A/2.png")
    assert queue.item == suspect(2) and queue.decision(suspect(2)) is None
    queue.undo()
    assert queue.item == suspect(1) and [one.decision for one in file.read().values()] == ["keep"]
    queue.undo()
    assert queue.at == 0 and not file.read() and queue.undo() is None


def test_another_folder_s_decisions_and_a_test_part_that_is_shut_are_left_alone(tmp_path: Path) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    earlier = Queue(review(1, blind=1), file)
    earlier.decide("keep")
    earlier.decide("leave-out")
    file.decide(Correction("other.png", "f" * 64, "A", "keep"))
    shut = Queue(review(1), file)
    assert (taken := shut.undo()) and taken.after.file == "A/0.png" and shut.undo() is None
    assert [one.file for one in file.read().values()] == ["B/0.png", "other.png"]
    assert (taken := Queue(review(1, blind=1), file).undo()) and taken.after.file == "B/0.png"


def test_what_was_changed_by_hand_since_is_not_taken_back(tmp_path: Path) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    queue = Queue(review(3), file)
    for _ in range(3):
        queue.decide("keep")
    by_hand = file.path.read_text().splitlines()
    by_hand[2] = by_hand[2].replace("keep", "unsure")
    file.path.write_text("\n".join(by_hand) + "\n")
    for again in (queue, Queue(review(3), file)):
        while again.undo():
            pass
    assert [(one.file, one.decision) for one in file.read().values()] == [("A/1.png", "unsure")]


def test_it_begins_with_the_first_open_image_and_ends_where_none_is(tmp_path: Path) -> None:
    file = CorrectionsFile(tmp_path / "corrections.csv")
    queue = Queue(review(3, more=2), file)
    queue.decide("keep")
    queue.step(1)
    queue.decide("relabel", "B")
    assert queue.at == 1 and Queue(review(3), file).at == 1
    queue.decide("unsure")
    assert queue.done == 3 and queue.more() == 2 and queue.more() == 0
    queue.step(9)
    assert queue.at == 4


def test_what_was_reviewed_blind_says_so_in_the_table(tmp_path: Path) -> None:
    queue = Queue(review(1, blind=1), CorrectionsFile(tmp_path / "corrections.csv"))
    queue.decide("keep")
    queue.decide("leave-out")
    assert [one.blind for one in queue.decided.values()] == ["", "yes"]


def test_without_suspects_there_is_nothing_to_decide(tmp_path: Path) -> None:
    queue = Queue(review(0), CorrectionsFile(tmp_path / "corrections.csv"))
    queue.decide("keep")
    queue.note("x")
    queue.undo()
    assert queue.item is None and not queue.file.path.exists()


def test_the_first_decision_makes_the_folder_of_its_table(tmp_path: Path) -> None:
    queue = Queue(review(2), CorrectionsFile(tmp_path / "runs" / "corrections.csv"))
    queue.decide("keep")
    assert len(CorrectionsFile(tmp_path / "runs" / "corrections.csv").read()) == 1


def test_a_table_that_can_t_be_written_keeps_the_queue_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    queue = Queue(review(2), CorrectionsFile(tmp_path / "file" / "corrections.csv"))
    with pytest.raises(DataError, match=r"corrections\.csv"):
        queue.decide("keep")
    assert queue.at == 0 and queue.done == 0 and not queue.can_undo
