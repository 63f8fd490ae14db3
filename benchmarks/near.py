"""Near duplicates among many images: the time of the search after decoding, its recall and its precision.

python -m benchmarks.near [--images 20000]

One image in fourteen is a copy changed in one of seven ways. Wanted of 20,000 images on two cores: under 3 minutes,
recall and precision of at least 0.98.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.timing import report, table
from engine.dataset.images import Pixels
from engine.dataset.similarity import matches, thumbnail
from engine.runtime import processors
from sample_data.generate import phantom_for
from sample_data.phantom import Disease
from sample_data.radiograph import draw
from tests.planted import KINDS, planted

SIZE = 128
COPIED = 14


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    images: int = parser.parse_args().images
    copies = images // COPIED
    originals = images - copies
    with ProcessPoolExecutor(processors()) as pool:
        numbers = range(originals)
        drawn = list(pool.map(_pictures, numbers, [number < copies for number in numbers], chunksize=64))
    thumbs = np.stack([pair[0] for pair in drawn] + [pair[1] for pair in drawn[:copies]])
    start, cpu = time.perf_counter(), time.process_time()
    found = matches(thumbs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    right = {min(m.first, m.second) for m in found if abs(m.first - m.second) == originals}
    rows: list[tuple[object, ...]] = []
    for place, kind in enumerate(KINDS):
        own = set(range(place, copies, len(KINDS)))
        rows.append((kind, len(own), f"{len(own & right) / len(own):.4f}"))
    rows.append(("all kinds", copies, f"{len(right) / copies:.4f}"))
    text = table(("planted", "copies", "recall"), rows)
    text += f"\n\nprecision {len(right) / max(1, len(found)):.4f} of {len(found):,} pairs"
    report(f"Near duplicates among {images:,}: {seconds:.0f} s ({cpu:.0f} s of processor time)", text)


def _pictures(number: int, copied: bool) -> list[Pixels]:
    """Thumbnails of a phantom and, where it is copied, of its changed copy."""
    disease = list(Disease)[number % 4]
    picture = draw(phantom_for(disease, 1 + number // 4, 11), disease, SIZE)[0]
    copy = [planted(picture, KINDS[number % len(KINDS)], np.random.default_rng(number))] if copied else []
    return [thumbnail(one) for one in (picture, *copy)]


if __name__ == "__main__":
    main()
