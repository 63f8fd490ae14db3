"""Near duplicates among many images: what is found of each kind of copy, strangers taken for copies, and the time.

python -m benchmarks.near [--images 20000]

First the sample phantoms and the real X-rays, where these are, with copies that are 1%, 10% and 50% of all images: sets
are drawn anew until a kind has 20 copies or more. Then one set of many phantoms, one in ten of them a copy, timed.
Wanted: recall of at least 0.95 of each kind, at most one pair of strangers in 1,000 images, 20,000 images within three
minutes on two cores.
"""

import argparse
import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from unittest import mock

import numpy as np

from benchmarks.timing import XRAY, report, table
from engine.base.runtime import processors
from engine.data.image.reader import Pixels, read
from engine.data.scan import scan
from engine.data.similarity import near_duplicates
from engine.data.similarity.landmarks import Landmarks, landmarks
from engine.data.similarity.near_duplicates import matches, thumbnail
from engine.data.similarity.registration import fitted
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.makers.planted import CHANGES

SHARES = (0.01, 0.1, 0.5)
A_KIND = 20
PHANTOMS = 300  # originals of a set
COPIED = 10  # one in so many of a large set

Measured = tuple[dict[str, Counter[bool]], int, int]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000, help="0 for none")
    parser.add_argument("--only-many", action="store_true", help="the timed set alone")
    given = parser.parse_args()
    with ProcessPoolExecutor(processors()) as pool:
        if not given.only_many:
            _by_share("sample phantoms", list(pool.map(phantom, range(PHANTOMS), chunksize=16)))
            if XRAY.is_dir():
                _by_share("real X-rays", _xrays())
        if given.images:
            _many(given.images, pool)


def phantom(number: int) -> Pixels:
    """The picture of this number, uint8 (299, 299)."""
    disease = list(Disease)[number % 4]
    return draw(phantom_for(disease, 1 + number // 4, 11), disease)[0]


def _xrays() -> list[Pixels]:
    """The real X-rays, one of each group that is known to show one picture."""
    found = scan(XRAY, near=True)
    again = {file for group in (*found.duplicates, *(near.files for near in found.near)) for file in group[1:]}
    return [read(XRAY / record.file).pixels for record in found.records if record.file not in again]


def _by_share(name: str, pictures: Sequence[Pixels]) -> None:
    own = [measured(pictures, share) for share in SHARES]
    rows: list[tuple[object, ...]] = [
        (kind, *(f"{found[kind][True] / found[kind].total():.3f}" for found, _, _ in own)) for kind in CHANGES
    ]
    rows.append(("copies planted", *(sum(one.total() for one in found.values()) for found, _, _ in own)))
    rows.append(("images looked at", *(f"{images:,}" for _, images, _ in own)))
    rows.append(("pairs of strangers", *(strange for _, _, strange in own)))
    report(f"Near duplicates: recall on {name}", table(("planted", *(f"{share:.0%} copies" for share in SHARES)), rows))


class Once:
    """`work` of the rows of arrays, which it does for each row once, however often it is asked."""

    def __init__(self, work: Callable[..., Sequence[np.ndarray]]) -> None:
        self.work = work
        self._known: dict[bytes, tuple[np.ndarray, ...]] = {}

    def __call__(self, *columns: np.ndarray) -> tuple[np.ndarray, ...]:
        rows = list(zip(*columns, strict=True))
        keys = [hashlib.sha256(b"".join(cell.tobytes() for cell in row)).digest() for row in rows]
        new = [place for place, key in enumerate(keys) if key not in self._known]
        if new:
            done = zip(*self.work(*(column[new] for column in columns)), strict=True)
            self._known.update(zip([keys[place] for place in new], done, strict=True))
        return tuple(map(np.stack, zip(*(self._known[key] for key in keys), strict=True)))


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Within the block, `matches` looks at no picture twice, nor lays a pair upon each other twice: sets that differ in
    their copies alone are then searched three times as fast, with the same result.
    """
    places = Once(lambda thumbs: tuple(vars(landmarks(thumbs)).values()))
    with (
        mock.patch.object(near_duplicates, "landmarks", lambda thumbs, *_: Landmarks(*places(thumbs))),
        mock.patch.object(near_duplicates, "fitted", Once(fitted)),
    ):
        yield


@once()
def measured(pictures: Sequence[Pixels], share: float, a_kind: int = A_KIND) -> Measured:
    """What is found of each kind where copies are this share of all images; images looked at; pairs of strangers."""
    dice = np.random.default_rng(round(1000 * share))
    thumbs = np.stack([thumbnail(picture) for picture in pictures])
    count = max(1, round(share / (1 - share) * len(pictures)))
    found: dict[str, Counter[bool]] = {kind: Counter() for kind in CHANGES}
    images = strange = 0
    turn = 0
    while min(one.total() for one in found.values()) < a_kind:
        origin = dice.permutation(len(pictures))[:count]
        kinds = [list(CHANGES)[(turn + place) % len(CHANGES)] for place in range(count)]
        turn += count
        copies = [thumbnail(CHANGES[kind](pictures[one], dice)) for kind, one in zip(kinds, origin, strict=True)]
        source = [*range(len(pictures)), *origin.tolist()]
        pairs = {
            tuple(sorted((match.first, match.second))) for match in matches(np.concatenate([thumbs, np.stack(copies)]))
        }
        for place, (kind, one) in enumerate(zip(kinds, origin.tolist(), strict=True), start=len(pictures)):
            found[kind][(one, place) in pairs] += 1
        strange += sum(source[one] != source[other] for one, other in pairs)
        images += len(source)
    return found, images, strange


def _many(images: int, pool: ProcessPoolExecutor) -> None:
    copies = images // COPIED
    originals = images - copies
    drawn = list(
        pool.map(_thumbnails, range(originals), [number < copies for number in range(originals)], chunksize=64)
    )
    thumbs = np.stack([pair[0] for pair in drawn] + [pair[1] for pair in drawn[:copies]])
    start, cpu = time.perf_counter(), time.process_time()
    found = matches(thumbs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    right = {min(m.first, m.second) for m in found if abs(m.first - m.second) == originals}
    rows: list[tuple[object, ...]] = []
    for place, kind in enumerate(CHANGES):
        own = set(range(place, copies, len(CHANGES)))
        rows.append((kind, len(own), f"{len(own & right) / len(own):.3f}"))
    rows.append(("all kinds", copies, f"{len(right) / copies:.4f}"))
    text = table(("planted", "copies", "recall"), rows)
    strange = len(found) - len(right)
    text += f"\n\n{strange:,} pairs of strangers, {1000 * strange / images:.2f} in 1,000 images"
    report(f"Near duplicates among {images:,} phantoms: {seconds:.0f} s ({cpu:.0f} s of processor time)", text)


def _thumbnails(number: int, copied: bool) -> list[Pixels]:
    """Thumbnails of a phantom and, where it is copied, of its changed copy."""
    picture = phantom(number)
    change = list(CHANGES.values())[number % len(CHANGES)]
    return [thumbnail(one) for one in (picture, *([change(picture, np.random.default_rng(number))] if copied else []))]


if __name__ == "__main__":
    main()
