"""The queue loses nothing: each decision is on disk before the next image, and what is undone is as it was."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.base.errors import DataError
from engine.data.corrections import CorrectionsFile, Key
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
    file.path.unlink(missing_ok=True)
    queue = Queue(review(5, blind=2), file)
    model: dict[Key, tuple[str, str]] = {}
    past: list[tuple[Key, tuple[str, str] | None]] = []
    for step in steps:
        item = queue.item
        assert item
        key = key_of(item)
        before = model.get(key)
        if step == "again":
            queue, past = Queue(review(5, blind=2), file), []
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
