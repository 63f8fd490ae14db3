"""Near duplicates: every planted one is found, no stranger is taken for one, and the search can be stopped."""

import gc
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from benchmarks.near import measured
from engine.base.cancel import Stop
from engine.base.errors import Stopped
from engine.data.duplicates import near_groups, near_within
from engine.data.groups import group_of, joined, kept_together
from engine.data.image.reader import Pixels, read
from engine.data.records import ClassSummary, NearGroup, Record, Row, Scan
from engine.data.scan import scan
from engine.data.similarity import near_duplicates
from engine.data.similarity.near_duplicates import SIDE, Match, border, matches, thumbnail
from engine.data.split import draw, leaks
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw as draw_phantom
from tests.makers.extent import ALL
from tests.makers.planted import CHANGES, KINDS, planted

COUNT = 280 if ALL else 140


@pytest.fixture(scope="module")
def phantoms() -> list[Pixels]:
    diseases = list(Disease)
    numbers = [(diseases[number % 4], 1 + number // 4) for number in range(COUNT)]
    return [draw_phantom(phantom_for(disease, number, 5), disease, 200)[0] for disease, number in numbers]


def test_planted_ones_are_found_and_strangers_are_not(phantoms: list[Pixels]) -> None:
    dice = np.random.default_rng(0)
    copies = [planted(picture, KINDS[place % len(KINDS)], dice) for place, picture in enumerate(phantoms)]
    found = matches(np.stack([thumbnail(picture) for picture in (*phantoms, *copies)]))
    right = {match.first % COUNT for match in found if abs(match.first - match.second) == COUNT}
    for place, kind in enumerate(KINDS):
        own = set(range(place, COUNT, len(KINDS)))
        assert len(own & right) / len(own) >= 0.95, kind
    assert len(right) / COUNT >= 0.98, "recall"
    assert len(right) / len(found) >= 0.98, "precision"


def test_what_was_done_is_told(phantoms: list[Pixels]) -> None:
    picture = phantoms[0]
    cut = picture[8:, :-10]
    for copy, mirrored, inverted, crop in (
        (picture[:, ::-1], True, False, (0, 0, 0, 0)),
        (255 - picture, False, True, (0, 0, 0, 0)),
        (cut, False, False, (0, 0.04, 0.05, 0)),
    ):
        thumbs = np.stack([thumbnail(p) for p in (picture, np.ascontiguousarray(copy), *phantoms[1:40])])
        (match,) = matches(thumbs)
        assert (match.mirrored, match.inverted) == (mirrored, inverted)
        assert {match.first, match.second} == {0, 1} and match.similarity > 0.98
        if match.first == 0:
            assert match.crop == pytest.approx(crop, abs=0.01)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_lettered_and_turned_copies_are_found_whatever_their_number(share: float, xray: Path) -> None:
    every = [read(file).pixels for file in sorted(xray.glob("Normal/images/*.png"))]
    pictures = list({picture.tobytes(): picture for picture in every}.values())
    count = max(1, round(share / (1 - share) * len(pictures)))
    kinds = ("lettered", "rotated 1 to 5 degrees", "cropped 10 to 15%")
    dice = np.random.default_rng(round(100 * share))
    copies = [CHANGES[kinds[place % 3]](picture, dice) for place, picture in enumerate(pictures[:count])]
    found = matches(np.stack([thumbnail(picture) for picture in (*pictures, *copies)]))
    pairs = {(match.first, match.second) for match in found}
    planted_pairs = {(place, len(pictures) + place) for place in range(count)}
    assert len(pairs & planted_pairs) >= 0.95 * count
    known = [{one % len(pictures), other % len(pictures)} for one, other in pairs - planted_pairs]
    assert all(len(pair) == 1 for pair in known), known


def test_what_was_done_to_a_copy_is_told(phantoms: list[Pixels]) -> None:
    dice = np.random.default_rng(4)
    done = {
        "rotated 1 to 5 degrees": "rotated",
        "bordered by 10%": "given a border",
        "cropped 5 to 10%": "cropped",
        "shifted 3 to 6%": "shifted",
    }
    copies = [CHANGES[kind](phantoms[place], dice) for place, kind in enumerate(done)]
    pictures = [*phantoms[:20], *copies]
    records = [record(f"A/{n}", "A", str(n)) for n in range(len(pictures))]
    groups = near_groups(records, np.stack([thumbnail(picture) for picture in pictures]))
    assert [group.files for group in groups] == [(f"A/{place}", f"A/{20 + place}") for place in range(len(done))]
    for group, word in zip(groups, done.values(), strict=True):
        assert word in group.changes, (word, group.changes)


SEEN_LESS = {"CLAHE": 0.75, "equalised": 0.85, "JPEG of quality 10 to 40": 0.8, "noisy": 0.8}
"""On drawings of one chest, two of which differ less than such a copy from its original: where the evidence of the
landmarks does not do, the finest grain decides, which CLAHE mostly leaves and strong compression and noise do not. Some
twenty copies of a kind can't tell such a share from one nearby: fewer are a failure where chance gives them once in
twenty times at most.
"""
CHANCE = 0.05


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_each_kind_is_found_at_each_share_of_copies_on_phantoms(share: float, phantoms: list[Pixels]) -> None:
    found, images, strange = measured(phantoms, share)
    for kind, own in found.items():
        counts = own[True], own.total()
        if kind in SEEN_LESS:
            assert binom.cdf(*counts, SEEN_LESS[kind]) > CHANCE, (kind, counts)
        else:
            assert counts[0] >= 0.95 * counts[1], (kind, counts)
    assert strange <= images / 1000


@pytest.fixture(scope="module")
def different_xrays(xray: Path) -> list[Pixels]:
    """The real X-rays, one of each group that is known to show one picture."""
    whole = scan(xray, near=True)
    again = {file for group in (*whole.duplicates, *(near.files for near in whole.near)) for file in group[1:]}
    return [read(xray / record.file).pixels for record in whole.records if record.file not in again]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_each_kind_is_found_at_each_share_of_copies_on_xrays(share: float, different_xrays: list[Pixels]) -> None:
    found, images, strange = measured(different_xrays, share)
    recall = {kind: own[True] / own.total() for kind, own in found.items()}
    assert min(recall.values()) >= 0.95, recall
    assert strange <= images / 1000


def test_flat_and_random_pictures_are_like_none() -> None:
    dice = np.random.default_rng(1)
    flat = [np.full((SIDE, SIDE), level, np.uint8) for level in (0, 0, 7, 255)]
    noise = [dice.integers(0, 256, (SIDE, SIDE)).astype(np.uint8) for _ in range(40)]
    assert matches(np.stack([*flat, *noise])) == []
    assert matches(np.stack(flat[:1])) == []


def test_pictures_without_a_landmark_among_them_all_are_no_error() -> None:
    assert matches(np.stack([thumbnail(np.full((8, 8), level, np.uint8)) for level in range(0, 200, 2)])) == []


def test_colour_and_border_of_a_thumbnail() -> None:
    picture = np.zeros((200, 100, 3), np.uint8)
    picture[..., 0] = 90
    assert thumbnail(picture).shape == (SIDE, SIDE) and int(thumbnail(picture)[5, 5]) == 30
    framed = np.zeros((SIDE, SIDE), np.uint8)
    edge = SIDE // 20
    framed[:edge] = framed[-edge:] = framed[:, :edge] = framed[:, -edge:] = 200
    assert border(framed) == 200


def test_the_search_stops_when_told(phantoms: list[Pixels]) -> None:
    stop = Stop()
    stop.request("now")
    with pytest.raises(Stopped):
        matches(np.stack([thumbnail(picture) for picture in phantoms[:20]]), stop=stop)


def record(file: str, label: str, sha: str) -> Record:
    return Record(file, label, sha, "PNG", "L", 9, 9, 99, 100.0)


def test_groups_unite_copies_near_ones_and_patients() -> None:
    assert joined([("a", "b"), ("c",), ("d", "b"), ("e",)]) == [("a", "b", "d"), ("c",), ("e",)]
    records = [record(f"A/{n}", "A", sha) for n, sha in enumerate("xxyzwv")]
    near = (NearGroup(("A/1", "A/2"), 0.95),)
    found = Scan(Path("d"), tuple(records), (), {"A": ClassSummary(6)}, (), near)
    groups = [[r.file for r in group] for group in kept_together(found, {"A/2": "p", "A/3": "p", "A/4": "q"})]
    assert groups == [["A/0", "A/1", "A/2", "A/3"], ["A/4"], ["A/5"]]
    name = group_of(found, {"A/2": "p", "A/3": "p"})
    assert name(records[3]) == name(records[0]) != name(records[4])
    assert near_within(near, records[:2]) == () and near_within(near, records) == near


def test_a_near_group_holds_the_copies_of_its_members_too(phantoms: list[Pixels]) -> None:
    pictures = [phantoms[0], phantoms[0], np.ascontiguousarray(phantoms[0][:, ::-1]), *phantoms[1:30]]
    records = [record(f"A/{n}", "A", "same" if n < 2 else str(n)) for n in range(len(pictures))]
    (group,) = near_groups(records, np.stack([thumbnail(picture) for picture in pictures]))
    assert group.files == ("A/0", "A/1", "A/2") and group.changes == ("mirrored",)


def test_a_scan_reports_them_and_a_split_keeps_them_together(tmp_path: Path, phantoms: list[Pixels]) -> None:
    dice = np.random.default_rng(2)
    for number, picture in enumerate(phantoms[:24]):
        folder = tmp_path / "AB"[number % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / f"{number}.png")
        if number < 8:
            Image.fromarray(planted(picture, "all", dice)).save(folder / f"{number} again.jpg", quality=80)
    plain, found = scan(tmp_path), scan(tmp_path, near=True)
    assert plain.near == () and len(found.near) == 8
    assert found.to_dict()["duplicates"]["near"][0]["files"] == ("A/0 again.jpg", "A/0.png")
    for seed in range(5):
        assert leaks(draw(found, 0.2, 0.2, seed).rows, found.near) == ()
    assert any(leaks(draw(plain, 0.2, 0.2, seed).rows, found.near) for seed in range(5))
    rows = [Row(r.file, r.label, "test" if "again" in r.file else "train", r.sha) for r in found.records]
    assert leaks(rows) == () and len(leaks(rows, found.near)) == 8


def test_real_xrays_changed_in_every_way_are_found(xray: Path) -> None:
    dice = np.random.default_rng(3)
    whole = scan(xray)
    distinct = list({record.sha: record for record in whole.records}.values())[::2]
    pictures = [read(xray / record.file).pixels for record in distinct]
    copies = [planted(picture, KINDS[place % len(KINDS)], dice) for place, picture in enumerate(pictures)]
    count = len(pictures)
    found = matches(np.stack([thumbnail(picture) for picture in (*pictures, *copies)]))
    right = {match.first % count for match in found if abs(match.first - match.second) == count}
    known = {frozenset((match.first, match.second)) for match in matches(np.stack([*map(thumbnail, pictures)]))}
    strangers = [match for match in found if frozenset((match.first % count, match.second % count)) not in known]
    strangers = [match for match in strangers if (match.first - match.second) % count]
    assert len(right) / count >= 0.98 and strangers == []


def test_four_times_as_many_groups_take_about_four_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(images: int) -> float:
        records = [record(f"A/{n}", "A", str(n)) for n in range(images)]
        found = [Match(n, n + 1, 0.9, n % 4 == 0, False, (0, 0, 0, 0)) for n in range(0, images, 2)]
        monkeypatch.setattr(near_duplicates, "matches", lambda *_: found)
        gc.disable()  # its rounds go over all that other tests have left
        try:
            began = time.thread_time()
            groups = near_groups(records, np.zeros((images, 1, 1), np.uint8))
            taken = time.thread_time() - began
        finally:
            gc.enable()
        assert [group.changes for group in groups[:2]] == [("mirrored",), ()] and len(groups) == images // 2
        return taken

    assert seconds(20_000) < 8 * seconds(5_000)  # sixteen times where each looks through all
