"""How the time of a training grows with images, epochs, views and trainable blocks: one table.

python -m benchmarks.growth
"""

from typing import Any

from benchmarks.timing import covid_tui, imagenet_weights, report, scratch, table
from sample_data.generate import write_dataset
from sample_data.phantom import Disease

BASE: dict[str, Any] = {"images": 128, "epochs": 4, "views": 1, "unfreeze": "block5"}
CHANGES: tuple[dict[str, Any], ...] = (
    {}, {"images": 256}, {"epochs": 8}, {"epochs": 16}, {"views": 2}, {"unfreeze": "block4,block5"}, {"unfreeze": ""},
)  # fmt: skip


def main() -> None:
    """Print the table."""
    folders = {}
    for count in (128, 256):
        folders[count] = scratch() / "data"
        write_dataset(folders[count], per_class=count // 2, diseases=(Disease.COVID, Disease.NORMAL))
    rows = []
    for change in CHANGES:
        case = {**BASE, **change}
        cache = scratch()
        imagenet_weights(cache)
        mode = ["--mode", "partial", "--unfreeze", case["unfreeze"]] if case["unfreeze"] else ["--mode", "transfer"]
        flags = ["--epochs", case["epochs"], "--views", case["views"], "--patience", 0, "--batch", 32, *mode]
        done = covid_tui("--train", folders[case["images"]], *flags, cache=cache, out=cache / "runs")
        last = [line["seconds"] for line in done.lines if line["event"] == "epoch"][-1]
        trains = case["unfreeze"] or "head alone"
        rows.append((case["images"], case["epochs"], case["views"], trains, f"{done.seconds:.1f} s", f"{last:.2f} s"))
    header = ("images", "epochs", "augmented views", "trains", "whole process", "last epoch")
    report("How time grows", table(header, rows))


if __name__ == "__main__":
    main()
