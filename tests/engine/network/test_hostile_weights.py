"""Weight files made to do harm are refused by the real command, and nothing outside is opened on the way."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from engine.base.errors import WeightsError
from engine.network.backbones import BACKBONES
from engine.network.hdf5_reader import DEEPEST, MOST_OBJECTS, read_weights
from tests.conftest import ROOT, SAMPLE

SHAPES = {
    layer.name: [(3, 3, layer.parameters // layer.shape[-1] // 9, layer.shape[-1]), (layer.shape[-1],)]
    for layer in BACKBONES["vgg16"].layers
    if layer.parameters
}
SMALL: dict[str, list[tuple[int, ...]]] = {"a": [(3, 3, 1, 2), (2,)], "b": [(2,)]}

Change = Callable[[Any], object]


def honest(path: Path, shapes: dict[str, list[tuple[int, ...]]] = SMALL) -> Path:
    """A file as Keras 3 writes it."""
    with h5py.File(path, "w") as file:
        for number, (name, arrays) in enumerate(shapes.items()):
            group = file.create_group(f"layers/conv2d_{number}/vars")
            group.attrs["name"] = name
            for place, shape in enumerate(arrays):
                group[str(place)] = np.full(shape, number, np.float32)
        file.create_group("vars").attrs["name"] = "model"
    return path


BIAS = "layers/conv2d_0/vars/1"


def replaced(make: Callable[[Any, str], None]) -> Change:
    def change(file: Any) -> None:
        del file[BIAS]
        make(file, BIAS)

    return change


def external_link(file: Any, at: str) -> None:
    file[at] = h5py.ExternalLink("secret.h5", "/x")


def soft_link(file: Any, at: str) -> None:
    file[at] = h5py.SoftLink("/layers/conv2d_1/vars/0")


def external_data(file: Any, at: str) -> None:
    shape = file[BIAS.replace("/1", "/0")].shape[-1:]
    file.create_dataset(at, shape, np.float32, external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])


def virtual_data(file: Any, at: str) -> None:
    shape = file[BIAS.replace("/1", "/0")].shape[-1:]
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource("secret.h5", "x", shape)
    file.create_virtual_dataset(at, layout)


def shape_bomb(file: Any, at: str) -> None:
    file.create_dataset(at, (1 << 40,), np.float32, chunks=(1 << 16,))


def zip_bomb(file: Any, at: str) -> None:
    shape = file[BIAS.replace("/1", "/0")].shape[-1:]
    file.create_dataset(at, shape, np.float32, data=np.zeros(shape), compression="gzip")


HOSTILE: dict[str, tuple[Change, str]] = {
    "external link": (replaced(external_link), "link"),
    "soft link": (replaced(soft_link), "link"),
    "external dataset": (replaced(external_data), "another file"),
    "virtual dataset": (replaced(virtual_data), "another file"),
    "shape bomb": (replaced(shape_bomb), "declared size"),
    "filter": (replaced(zip_bomb), "compressed"),
    "link beside the layers": (lambda file: external_link(file, "vars/x"), "link"),
    "link in the place of a layer": (lambda file: external_link(file, "layers/conv2d_9"), "link"),
    "a layer too many": (lambda file: file.create_dataset("layers/x/vars/0", data=np.zeros(2, "f4")), "not of this"),
    "an array elsewhere": (lambda file: file.create_dataset("optimizer/0", data=np.zeros(2, "f4")), "not of this"),
    "a head beyond any size": (
        lambda file: [file.create_dataset(f"layers/dense/vars/{i}", data=np.zeros(1 << 20, "f4")) for i in (0, 1)],
        "more than the network",
    ),
    "text": (replaced(lambda file, at: file.create_dataset(at, data=[b"a", b"b"])), "floating-point"),
    "whole numbers": (replaced(lambda file, at: file.create_dataset(at, data=[1, 2])), "floating-point"),
    "records": (replaced(lambda file, at: file.create_dataset(at, (2,), "f4,f4")), "floating-point"),
    "null": (replaced(lambda file, at: file.create_dataset(at, data=h5py.Empty("f4"))), "floating-point"),
    "a type": (replaced(lambda file, at: file.__setitem__(at, np.dtype("f4"))), "other than an array"),
    "a whole model": (lambda file: file.attrs.__setitem__("model_config", "{}"), "whole model"),
    "a circle": (lambda file: file["layers"].__setitem__("again", file["layers"]), f"{DEEPEST} deep"),
    "many groups": (lambda file: [file.create_group(f"layers/g{i}") for i in range(MOST_OBJECTS)], str(MOST_OBJECTS)),
    "a name twice": (lambda file: file["layers/conv2d_1/vars"].attrs.__setitem__("name", "a"), "does not fit"),
    "another shape": (replaced(lambda file, at: file.create_dataset(at, data=np.zeros(3, "f4"))), "does not fit"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_plain_array_of_the_network_is_refused_before_any_is_read(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = honest(tmp_path / "x.weights.h5")
    assert read_weights(path, SMALL)["b"][0].tolist() == [1, 1]
    change, words = HOSTILE[kind]
    with h5py.File(path, "r+") as file:
        change(file)
    read: list[object] = []
    monkeypatch.setattr(h5py.Dataset, "__array__", lambda self, *_, **__: read.append(self))
    with pytest.raises(WeightsError) as caught:
        read_weights(path, SMALL)
    assert str(path) in str(caught.value) and words in str(caught.value) and read == []


def test_the_older_layout_lists_its_arrays_and_hides_no_link_in_a_path(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"

    def write(bias: Callable[[Any], None]) -> None:
        with h5py.File(path, "w") as file:
            for name, shapes in SMALL.items():
                group = file.create_group(name)
                names = [f"{name}/w{place}:0" for place in range(len(shapes))]
                group.attrs["weight_names"] = [text.encode() for text in names]
                for text, shape in zip(names, shapes, strict=True):
                    group[text] = np.ones(shape, np.float32)
            bias(file["a"])

    write(lambda _: None)
    assert [array.shape for array in read_weights(path, SMALL)["a"]] == SMALL["a"]
    write(lambda group: group.move("a/w1:0", "hidden"))
    with pytest.raises(WeightsError, match="lists other arrays"):
        read_weights(path, SMALL)
    outside = honest(tmp_path / "outside.h5")

    def link(group: Any) -> None:
        del group["a"]
        group["a"] = h5py.ExternalLink(str(outside), "/layers/conv2d_0/vars")

    write(link)
    with pytest.raises(WeightsError, match="link"):
        read_weights(path, SMALL)


class Creates:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def by_content(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that are no HDF5, each with a word of the reason; reading one the wrong way would make a file `owned`."""
    owned = folder / "owned"
    code = f"open({str(owned)!r}, 'w')"
    lambda_layer = {"class_name": "Lambda", "config": {"name": "x", "function": ["__lambda__", code]}}
    archive, climbing, array = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [lambda_layer]}}))
    with zipfile.ZipFile(climbing, "w") as file:
        file.writestr("../owned", "x")
    np.save(array, np.array([Creates(owned)], object), allow_pickle=True)
    contents = {
        "lambda.keras": (archive.getvalue(), "zip archive"),
        "climbing.zip": (climbing.getvalue(), "zip archive"),
        "objects.npy": (array.getvalue(), "NumPy array"),
        "code.pkl": (pickle.dumps(Creates(owned)), "pickle"),
        "old.pkl": (pickle.dumps(Creates(owned), 0), "no HDF5"),
        "model.h5": (b"\x1f\x8b" + bytes(50), "gzip"),
        "empty.weights.h5": (b"", "no HDF5"),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {name: (folder / name, words) for name, (_, words) in contents.items()}


WATCHED = """
import contextlib, ctypes, io, json, os, sys
opened = []
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK)  # the system's own word: HDF5 opens files past any hook of Python's
assert libc.inotify_add_watch(watch, os.fsencode(sys.argv[1]), 0x20) > 0  # IN_OPEN
def looked():
    with contextlib.suppress(BlockingIOError):
        return bool(os.read(watch, 4096))
    return False
open(os.path.join(sys.argv[1], "secret.h5")).close()
assert looked()
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"):
        opened.append(event)
from tests.makers import small
small.follow()
from tui.cli import run
answers = []
for number, command in enumerate(json.load(sys.stdin)):
    if number == 1:  # the first has imported all there is
        sys.addaudithook(hook)
    opened.clear()
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run(command)
    answers.append([code, said.getvalue(), [*opened, *(["outside"] if looked() else [])]])
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_the_real_command_refuses_them_and_opens_nothing_outside(
    tmp_path: Path, cache: Path, small_pictures: None
) -> None:
    data, out, outside = tmp_path / "data", tmp_path / "runs", tmp_path / "outside"
    for folder in (data, outside, tmp_path / "given"):
        folder.mkdir()
    for label in ("COVID", "Normal"):
        (data / label).mkdir()
        for picture in sorted((SAMPLE / label / "images").iterdir())[:4]:
            os.link(picture, data / label / picture.name)
    (outside / "secret.bin").write_bytes(bytes(4096))
    honest(outside / "secret.h5")
    given = by_content(tmp_path / "given")
    for kind in ("external link", "soft link", "external dataset", "virtual dataset", "shape bomb"):
        change, words = HOSTILE[kind]
        path = honest(tmp_path / "given" / f"{kind.replace(' ', '-')}.weights.h5", SHAPES)
        with h5py.File(path, "r+") as file:
            change(file)
        given[path.name] = (path, words)
    for name in ("secret.h5", "secret.bin"):
        (tmp_path / "given" / name).symlink_to(outside / name)
    train = ["train", str(data), "--out", str(out), "--augment", "none", "--batch", "4", "--feature-cache", "off"]
    run = ["--epochs", "1", "--weights", "none", "--test-share", "0.2", "--name", "trained"]
    commands = [[*train, *run], *([*train, "--weights", str(path)] for path, _ in given.values())]
    # The same files in the place of a run's own weights, which a foreign run directory may bring along.
    trained = out / "trained"
    foreign = {
        name: given[name] for name in ("external-link.weights.h5", "external-dataset.weights.h5", "lambda.keras")
    }
    for name, (path, _) in foreign.items():
        commands.append(
            ["predict", str(SAMPLE / "COVID" / "images" / "COVID-1.png"), "--run", str(tmp_path / "r" / name)]
        )
        (tmp_path / "r" / name).mkdir(parents=True)
        os.link(path, tmp_path / "r" / name / "best.weights.h5")
        for own in ("config.json", "model.json"):
            (tmp_path / "r" / name / own).symlink_to(trained / own)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, outside],
        input=json.dumps(commands),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path / "given",  # where the relative names of external files would be found
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (first, *answers) = json.loads(done.stdout)
    assert first[0] == 0, first[1]
    for (code, said, opened), (path, words) in zip(answers, [*given.values(), *foreign.values()], strict=True):
        sentence = said.splitlines()[-1]
        assert code == 1 and words in sentence and "Traceback" not in said, said
        assert ".weights.h5" in sentence and (str(path) in sentence or "best.weights.h5" in sentence)
        assert "outside" not in opened and not [name for name in opened if "secret" in name or "owned" in name]
        assert not {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"} & {*opened}
    assert not list(tmp_path.rglob("owned")) and not (tmp_path.parent / "owned").exists()
