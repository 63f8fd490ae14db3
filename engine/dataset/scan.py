"""A folder of X-rays becomes records: what each image is, which class it is of, and what is wrong with the rest.

Two layouts are known: CLASS/images beside CLASS/masks (the COVID-19 Radiography Database), or class folders that hold
the image files themselves. Nothing is passed over in silence: what can't be used is a problem with file and reason.
"""

import os
import re
import threading
import time
import warnings
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from engine.dataset.duplicates import exact_groups, label_conflicts
from engine.dataset.images import SUFFIXES, Header, ImageError, peek, pixel_hash, read
from engine.errors import ConfigError, DataError, Stopped
from engine.events import Emit, Event, Progress
from engine.runtime import processors
from engine.stopping import Stop

T = TypeVar("T")
R = TypeVar("R")

IGNORED = frozenset(
    f".{suffix}"
    for suffix in (
        *("txt", "md", "csv", "tsv", "xls", "xlsx", "json", "xml", "html", "htm"),
        *("db", "ini", "yaml", "yml", "toml", "py", "log"),
    )
)
"""Suffixes of files that may lie among images without being meant as one."""

WORKBOOK_BYTES = 64 * 2**20
WORKBOOK_ROWS = 200_000

_IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_BATCH = 8  # images a thread takes at a time: handing each over alone would cost a tenth of its decoding
_SECONDS_A_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Record:
    """A usable image. `file` and `mask` are POSIX paths relative to the scanned folder; `sha` hashes the pixels."""

    file: str
    label: str
    sha: str
    format: str
    mode: str
    width: int
    height: int
    bytes: int
    mean: float
    """Mean level of the pixels, 0 to 255."""
    colour: bool = False
    mask: str | None = None
    source: str | None = None
    """Where the image comes from, by the class's metadata workbook."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the folder that can't be used or is in doubt; `kind` is a short word that stays the same.

    Kinds: unreadable, symlink, misplaced, folder, empty, mask-missing, mask-orphan, mask-shape, same-name, workbook,
    label-conflict; and from the pixel store: vanished, changed.
    """

    file: str
    kind: str
    reason: str


@dataclass(frozen=True)
class ClassSummary:
    """What a class consists of; the dicts count images by format, size ("299x299"), mode, source and note."""

    images: int = 0
    masks: int = 0
    colour: int = 0
    """Images whose channels truly differ."""
    bytes: int = 0
    mean_intensity: float | None = None
    """Mean over images of their mean level, 0 to 255; None without images."""
    formats: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """A scanned folder: records by class and then by name in natural order (COVID-2 before COVID-10)."""

    root: Path
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    classes: dict[str, ClassSummary]
    """By class name, in the order asked for."""
    duplicates: tuple[tuple[str, ...], ...]
    """Groups of files with the same pixels."""

    @property
    def imbalance(self) -> float | None:
        """Images of the largest class for each image of the smallest; None where a class has no image."""
        counts = [summary.images for summary in self.classes.values()]
        return max(counts) / min(counts) if all(counts) else None

    def to_dict(self) -> dict[str, Any]:
        """The scan as JSON values; a file name that is not UTF-8 keeps its surrogates."""
        return {
            "root": str(self.root),
            "images": len(self.records),
            "classes": {name: asdict(summary) for name, summary in self.classes.items()},
            "imbalance": self.imbalance,
            "problems": [asdict(problem) for problem in self.problems],
            "duplicates": {"exact": [list(group) for group in self.duplicates], "near": []},
        }


def scan(
    root: Path,
    classes: tuple[str, ...] = (),
    emit: Emit = lambda event: None,
    stop: Stop | None = None,
) -> Scan:
    """Read every image under `root`, of the picked `classes` in this order, or of all.

    Files that can't be used become problems and the scan goes on. Raises DataError when `root` is no folder with class
    folders, ConfigError for a class that it doesn't have, Stopped when `stop` is set meanwhile.
    """
    root = Path(root)
    problems: list[Problem] = []
    folders = _class_folders(root, classes, problems)
    jobs = [_Job(root, folder, file) for folder in folders for file in folder.images]
    pulse = Pulse(emit, "scan", len(jobs))
    records: list[Record] = []
    notes: dict[str, Counter[str]] = {folder.label: Counter() for folder in folders}
    with closing(spread(_examine, jobs, stop)) as results:
        for done, (record, remarks, found) in enumerate(results, start=1):
            problems.extend(found)
            if record is not None:
                records.append(record)
                notes[record.label].update(remarks)
            pulse(done)
    summaries = {name: _summary([r for r in records if r.label == name], notes[name]) for name in notes}
    problems += [Problem(file, "label-conflict", reason) for file, reason in label_conflicts(records)]
    ordered = tuple(sorted(problems, key=lambda problem: (natural(problem.file), problem.kind)))
    return Scan(root, tuple(records), ordered, summaries, exact_groups(records))


def require_trainable(scanned: Scan) -> None:
    """Raises DataError unless there are two classes or more, each with an image."""
    names = list(scanned.classes)
    if len(names) < 2:
        raise DataError(
            f"{scanned.root} has one class with images ({names[0]}); learning to tell classes apart needs at least two."
        )
    for name, summary in scanned.classes.items():
        if not summary.images:
            raise DataError(f'Class "{name}" in {scanned.root} has no readable image; `covid-tui scan` tells why.')


def natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key by which COVID-2 comes before COVID-10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name


def spread(work: Callable[[T], R], items: Sequence[T], stop: Stop | None) -> Generator[R, None, None]:
    """`work(item)` of each of `items`, in order, done by a thread a processor, few of them ahead of the consumer.

    Close the iterator when leaving it early. Raises Stopped soon after `stop` is set, and whatever `work` raises.
    """
    halt = threading.Event()

    def do(batch: Sequence[T]) -> list[R]:
        done: list[R] = []
        for item in batch:
            if halt.is_set() or (stop is not None and stop.is_set()):
                break
            done.append(work(item))
        return done

    workers = processors()
    waiting: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        try:
            for start in range(0, len(items), _BATCH):
                waiting.append(pool.submit(do, items[start : start + _BATCH]))
                while len(waiting) > 2 * workers or (waiting and start + _BATCH >= len(items)):
                    results = waiting.popleft().result()
                    if stop is not None and stop.is_set():
                        raise Stopped("The reading of the images was stopped; nothing was changed.")
                    yield from results
        finally:
            halt.set()


class Pulse:
    """Emits Progress events of a task, at most ten a second and always the last."""

    def __init__(self, emit: Callable[[Event], None], task: str, total: int) -> None:
        self._emit, self._task, self._total = emit, task, total
        self._next = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now >= self._next or done == self._total:
            self._next = now + _SECONDS_A_TICK
            self._emit(Progress(self._task, done, self._total))


@dataclass(frozen=True, slots=True)
class _Folder:
    """A class folder's listing: paths relative to the root; masks and sources by `_key` of the image's name."""

    label: str
    images: list[str]
    masks: dict[str, str]
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Job:
    root: Path
    folder: _Folder
    file: str


def _examine(job: _Job) -> tuple[Record | None, tuple[str, ...], list[Problem]]:
    """The record of one image with the notes on it, and the problems with it and its mask."""
    try:
        image = read(job.root / job.file)
    except ImageError as exc:
        return None, (), [Problem(job.file, "unreadable", exc.reason)]
    header, key = image.header, _key(job.file)
    mask, problems = _checked_mask(job.root, job.folder.masks.get(key), header)
    record = Record(
        file=job.file,
        label=job.folder.label,
        sha=pixel_hash(image.pixels),
        format=header.format,
        mode=header.mode,
        width=header.width,
        height=header.height,
        bytes=header.bytes,
        mean=round(image.mean, 3),
        colour=image.colour,
        mask=mask,
        source=job.folder.sources.get(key),
    )
    return record, image.notes, problems


def _checked_mask(root: Path, mask: str | None, image: Header) -> tuple[str | None, list[Problem]]:
    if mask is None:
        return None, []
    try:
        header = peek(root / mask)
    except ImageError as exc:
        return None, [Problem(mask, "unreadable", exc.reason)]
    if abs(header.width / header.height * image.height / image.width - 1) <= 0.02:
        return mask, []
    reason = f"the mask's {header.width}x{header.height} pixels have another shape than its image's"
    return mask, [Problem(mask, "mask-shape", f"{reason} {image.width}x{image.height}")]


def _summary(records: list[Record], notes: Counter[str]) -> ClassSummary:
    def count(values: Iterable[str]) -> dict[str, int]:
        return dict(Counter(values).most_common())

    return ClassSummary(
        images=len(records),
        masks=sum(record.mask is not None for record in records),
        colour=sum(record.colour for record in records),
        bytes=sum(record.bytes for record in records),
        mean_intensity=round(sum(record.mean for record in records) / len(records), 3) if records else None,
        formats=count(record.format for record in records),
        sizes=count(f"{record.width}x{record.height}" for record in records),
        modes=count(record.mode for record in records),
        sources=count(record.source for record in records if record.source),
        notes=dict(notes.most_common()),
    )


def _class_folders(root: Path, classes: tuple[str, ...], problems: list[Problem]) -> list[_Folder]:
    """The listings of the class folders to use; adds what is wrong with the picked ones to `problems`."""
    try:
        files, names = _entries(root, "", root.resolve(), problems)
    except FileNotFoundError as exc:
        raise DataError(f"{root} does not exist; check the path.") from exc
    except NotADirectoryError as exc:
        raise DataError(f"{root} is a file; give the folder that holds the class folders.") from exc
    except (OSError, RuntimeError, ValueError) as exc:
        raise DataError(f"{root} can't be read as a folder: {getattr(exc, 'strerror', None) or exc}.") from exc
    if "images" in map(str.casefold, names) and {"images", "masks"} >= set(map(str.casefold, names)):
        raise DataError(f"{root} is the folder of one class; give the folder above it.")
    found: dict[str, _Folder] = {}
    troubles: dict[str, list[Problem]] = {name: [] for name in names}
    for name in names:
        folder = _class_folder(root, name, troubles[name])
        if folder.images:
            found[name] = folder
        else:
            troubles[name].append(Problem(name, "empty", "the folder holds no images, so it is not taken as a class"))
    if not found:
        raise DataError(_why_no_class(root, files, names))
    _check_picked(root, classes, list(found))
    for name in classes or names:
        problems.extend(troubles[name])
    for file in files:
        if Path(file).suffix.lower() in _IMAGE_SUFFIXES:
            problems.append(Problem(file, "misplaced", "lies beside the class folders, so its class is not known"))
    return [_with_sources(root, found[name], files, problems) for name in classes or found]


def _check_picked(root: Path, classes: tuple[str, ...], found: list[str]) -> None:
    for name in classes:
        if name not in found:
            raise ConfigError(f'{root} has no class "{name}"; it has {", ".join(found)}.')
        if classes.count(name) > 1:
            raise ConfigError(f'The class "{name}" is named twice; name each class once.')


def _why_no_class(root: Path, files: list[str], names: list[str]) -> str:
    if not files and not names:
        return f"{root} has no images in it; give a folder that holds one folder of images for each class."
    for name in names:
        with suppress(OSError):
            inner = _entries(root / name, "", root.resolve(), [])[1]
            if any(_class_folder(root / name, folder, []).images for folder in inner):
                return f"{root} has no class folder with images, but {root / name} has: give that folder."
    if any(Path(file).suffix.lower() in _IMAGE_SUFFIXES for file in files):
        return f"{root} holds images but no class folders; put the images of each class into a folder of its own."
    return f"{root} has no class folder with images; lay it out as CLASS/images/*.png or CLASS/*.png."


def _class_folder(root: Path, label: str, problems: list[Problem]) -> _Folder:
    """What the folder `root`/`label` lists."""
    home = root.resolve()

    def listed(folder: str) -> tuple[list[str], list[str]]:
        try:
            return _entries(root, folder, home, problems)
        except OSError as exc:
            problems.append(Problem(folder, "unreadable", f"the folder can't be read ({exc.strerror})"))
            return [], []

    files, inner = listed(label)
    rooms = {Path(folder).name.casefold(): folder for folder in inner}
    images, deeper = files, [folder for name, folder in rooms.items() if name not in ("images", "masks")]
    if "images" in rooms:
        images, more = listed(rooms["images"])
        deeper += more
        problems.extend(Problem(file, "misplaced", "lies beside the images folder of its class") for file in files)
    problems.extend(Problem(folder, "folder", "folders inside a class folder are not read") for folder in deeper)
    masks = listed(rooms["masks"])[0] if "masks" in rooms else []
    return _Folder(label, images, {_key(mask): mask for mask in masks}, {})


def _with_sources(root: Path, folder: _Folder, beside: list[str], problems: list[Problem]) -> _Folder:
    """`folder` with the sources of its images; `beside` are the files next to it. Adds what does not pair up."""
    sources = _sources(root, folder, beside, problems)
    keys = Counter(map(_key, folder.images))
    alone = [file for file in folder.images if _key(file) not in folder.masks]
    if folder.masks and alone:
        reason = f"{len(alone)} of {len(folder.images)} images have no mask; the first is {alone[0]}"
        problems.append(Problem(folder.label, "mask-missing", reason))
    orphans = [mask for key, mask in folder.masks.items() if key not in keys]
    if orphans:
        reason = f"{len(orphans)} of {len(folder.masks)} masks have no image; the first is {orphans[0]}"
        problems.append(Problem(folder.label, "mask-orphan", reason))
    if folder.masks or sources:
        shared = "shares its name with another image, and so its mask and source"
        problems.extend(Problem(file, "same-name", shared) for file in folder.images if keys[_key(file)] > 1)
    return replace(folder, sources=sources)


def _entries(root: Path, folder: str, home: Path, problems: list[Problem]) -> tuple[list[str], list[str]]:
    """Files and folders in `root`/`folder`, relative to `root`, in natural order, without hidden and ignored ones."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(root / folder) as entries:
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith((".", "~$", "__")):
                continue
            if entry.is_symlink() and (reason := _why_not_followed(Path(entry.path), home)):
                problems.append(Problem(name, "symlink", reason))
            elif entry.is_dir():
                folders.append(name)
            elif not folder or Path(entry.name).suffix.lower() not in IGNORED:
                files.append(name)
    return sorted(files, key=natural), sorted(folders, key=natural)


def _why_not_followed(link: Path, home: Path) -> str | None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return "the link points to nothing"
    return None if target.is_relative_to(home) else "the link leads out of the dataset, so it is not followed"


def _key(file: str) -> str:
    """What pairs an image with its mask and its row in the workbook: its name without folder and image suffix."""
    name = file.rsplit("/", 1)[-1].casefold()
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix}" in _IMAGE_SUFFIXES else name


def _sources(root: Path, folder: _Folder, beside: list[str], problems: list[Problem]) -> dict[str, str]:
    """The source of each image that the class's metadata workbook names, by `_key`."""
    wanted = f"{folder.label}.metadata.xlsx".casefold()
    book = next((file for file in beside if file.casefold() == wanted), None)
    if book is None:
        return {}
    try:
        table = _read_workbook(root / book)
    except Exception as exc:  # a damaged workbook makes openpyxl throw nearly any kind
        reason = str(exc) if isinstance(exc, DataError) else f"can't be read as a workbook ({type(exc).__name__})"
        problems.append(Problem(book, "workbook", f"{reason}; the sources of its images are not known"))
        return {}
    missing = [file for file in folder.images if _key(file) not in table]
    if missing:
        reason = f"does not list {len(missing)} of {len(folder.images)} images; the first is {missing[0]}"
        problems.append(Problem(book, "workbook", reason))
    return table


def _read_workbook(path: Path) -> dict[str, str]:
    """The URL column by FILE NAME, whatever case and suffix that has. Raises DataError or what openpyxl throws."""
    import openpyxl

    if not path.is_file():
        raise DataError("is not a file")
    warnings.filterwarnings("ignore", module=r"openpyxl\.")  # about styles, which are not read
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > WORKBOOK_BYTES:
            raise DataError(f"unfolds into more than {WORKBOOK_BYTES // 2**20} MB")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        sheet = book.worksheets[0]
        columns: tuple[int, int] | None = None
        table: dict[str, str] = {}
        for row in sheet.iter_rows(max_row=WORKBOOK_ROWS, max_col=32, values_only=True):
            cells = ["" if value is None else str(value).strip() for value in row]
            if columns is None:
                names = [cell.casefold() for cell in cells]
                columns = (names.index("file name"), names.index("url")) if {"file name", "url"} <= {*names} else None
            elif cells[columns[0]] and cells[columns[1]]:
                table[_key(cells[columns[0]])] = cells[columns[1]][:500]
    finally:
        book.close()
    if columns is None:
        raise DataError("has no columns FILE NAME and URL")
    return table
