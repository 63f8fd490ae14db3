"""Scale: scan, split, store and kept activations as the images grow; time should be linear and memory flat.

    python -m benchmarks.scale [--sizes 2500,5000,10000,20000] [--activations 250,500,1000]

Each step runs in a process of its own, whose peak memory is the operating system's figure. The images are phantoms.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.timing import ROOT, report, scratch, table
from engine.base.context import Context

STEP = """
import json, resource, sys, time
from pathlib import Path
from benchmarks.scale import measure
print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
"""


def measure(step: str, root: Path, cache: Path) -> dict[str, float]:
    """Run one step on the folder `root` in this process: its seconds, and the process's peak memory in MB."""
    from engine.data.pixel_store import open_store
    from engine.data.scan import scan
    from engine.data.split import draw

    started = time.perf_counter()
    found = scan(root)
    if step == "split":
        started = time.perf_counter()
        draw(found, 0.1, 0.1, 0)
    if step == "store":
        started = time.perf_counter()
        open_store(root, found.records, 224, cache)
    if step == "activations":
        from engine.base.runtime import choose_precision
        from engine.network.classifier import build
        from engine.network.freezing import plan
        from engine.recipe.config import AugmentConfig, NetworkConfig, TrainConfig
        from engine.training.augment import PLAIN
        from engine.training.batches import Images, PixelSource, choose

        config = TrainConfig(network=NetworkConfig(mode="partial"), augment=AugmentConfig(augment="none"))
        precision = choose_precision("auto").precision
        classifier = build(plan(config.network), 2, precision, 0)
        store, _ = open_store(root, found.records, 224, cache)
        images = Images.of(found.records, tuple(found.classes), store)
        pixels = PixelSource(images, classifier, store, config)
        source = choose(pixels, pixels, precision, cache, Context())[1]
        started = time.perf_counter()
        source.prepare(PLAIN)
        for _ in source.batches(images.rows, PLAIN, 64):
            pass
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def in_a_process(step: str, root: Path, cache: Path) -> dict[str, float]:
    """`measure` in a fresh Python."""
    command = [sys.executable, "-c", STEP, step, str(root), str(cache)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rows(steps: tuple[str, ...], sizes: list[int], full: Path) -> list[tuple[object, ...]]:
    """A row for each step and size; a smaller folder is the first images of the full one, by links inside it."""
    found: list[tuple[object, ...]] = []
    for step in steps:
        for size in sizes:
            root = subset(full, size)
            got = in_a_process(step, root, scratch())
            each = 1000 * got["seconds"] / size
            found.append((step, f"{size:,}", f"{got['seconds']:.2f} s", f"{each:.3f} ms", f"{got['megabytes']:.0f} MB"))
    return found


def subset(full: Path, size: int) -> Path:
    """A folder with the first `size` images of `full`, half of them of each class, as hard links."""
    root = scratch() / f"first-{size}"
    for folder in sorted(path for path in full.iterdir() if path.is_dir()):
        images = root / folder.name / "images"
        images.mkdir(parents=True)
        for number in range(1, size // 2 + 1):
            name = f"{folder.name}-{number}.png"
            (images / name).hardlink_to(folder / "images" / name)
    return root


def main() -> None:
    """Print the table."""
    from sample_data.generate import write_dataset
    from sample_data.phantom import Disease

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="2500,5000,10000,20000")
    parser.add_argument("--activations", default="250,500,1000")
    args = parser.parse_args()
    sizes, few = ([int(n) for n in text.split(",")] for text in (args.sizes, args.activations))
    full = scratch() / "phantoms"
    started = time.perf_counter()
    write_dataset(full, per_class=max(sizes + few) // 2, diseases=(Disease.COVID, Disease.NORMAL))
    print(f"{max(sizes + few):,} phantoms drawn in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    found = rows(("scan", "split", "store"), sizes, full) + rows(("activations",), few, full)
    report("Scale", table(("step", "images", "time", "an image", "peak memory"), found))


if __name__ == "__main__":
    main()
