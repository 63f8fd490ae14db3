"""Other formats say what the run says, tell what they are, and an ONNX file is read as an enemy's."""

import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine.base.cancel import Stop
from engine.base.context import Context
from engine.base.errors import ConfigError, RunError, Stopped
from engine.base.events import Event, Progress
from engine.base.files import digest_of, replacing_folder, write_json
from engine.base.typed_files import plain
from engine.data.image.reader import read, to_input
from engine.evaluation.calibration import CALIBRATION, Calibration, at_temperature, calibrate
from engine.evaluation.predictor import Predictor
from engine.export import job, verify
from engine.export.contract import CALIBRATED, INPUT, KEY, NAME, OUTPUTS, PROBABILITIES, Contract
from engine.export.formats import FORMATS, exportable
from engine.export.onnx_guard import read_onnx
from engine.export.onnx_predictor import OnnxModel
from engine.recipe.config import JudgeConfig
from engine.runs.directory import WEIGHTS, Run
from tests.conftest import SAMPLE, Cli
from tests.makers.made import keep_reference, model_run
from tests.makers.small import SIDE
from tests.product.test_borders import loaded_by

pytestmark = pytest.mark.usefixtures("small_pictures")

EVIL = "CO\x1b[2JVID"
DAILY = ("keras", "onnx")
CLASSES = (EVIL, "Viral Pneumonia")
SUFFIXES = {"keras": ".keras", "savedmodel": ".savedmodel", "onnx": ".onnx", "litert": ".tflite"}


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare on 16 pictures, to save time."""
    monkeypatch.setattr(verify, "IMAGES", 16)


def ignore(_: Event) -> None:
    pass


def taught(classes: tuple[str, ...] = CLASSES) -> Calibration:
    """A calibration of answers that are too sure, so that its temperature is well above 1."""
    labels, noise = np.array([0, 1] * 20), np.random.default_rng(0).normal(0, 2, (40, 2))
    noise[np.arange(40), labels] += 1.5
    return calibrate(labels, noise, classes, JudgeConfig())


@pytest.fixture(scope="module")
def run(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose model has random weights and a temperature, and whose images are some of the sample's."""
    names = ("COVID", "Viral Pneumonia")
    made = model_run(tmp_path_factory.mktemp("runs"), "made", few, names)
    keep_reference(made, few, names)
    write_json(made.path / "model.json", {**made.read_json("model.json"), "classes": list(CLASSES)})
    write_json(made.path / CALIBRATION, plain(taught()))
    return made


@pytest.fixture(scope="module")
def exported(run: Run) -> dict[str, job.Exported]:
    """The run in the formats of DAILY, in its own folder."""
    return written(run, DAILY)


@pytest.fixture(scope="module")
def exported_too(run: Run) -> dict[str, job.Exported]:
    """The run in the other formats."""
    return written(run, [name for name in FORMATS if name not in DAILY])


def written(run: Run, formats: Sequence[str]) -> dict[str, job.Exported]:
    """The run in these formats, in its own folder, compared on 8 pictures, to save time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "IMAGES", 8)
        made = job.export(run, ",".join(formats), None, False, Context(ignore, Stop()))
        return {one.format: one for one in made}


def test_a_format_is_compared_on_32_images() -> None:
    assert verify.IMAGES == 32


def inputs() -> np.ndarray:
    """Pictures that no export was compared on."""
    paths = [SAMPLE / "Normal" / "images" / f"Normal-{n}.png" for n in (1, 2, 3)]
    return np.stack([to_input(read(path).pixels, SIDE) for path in paths])


def said_by(run: Run, pictures: np.ndarray) -> dict[str, np.ndarray]:
    own = Predictor(run).probabilities(pictures)
    return {PROBABILITIES: own, CALIBRATED: at_temperature(own, taught().temperature)}


def contract_in(name: str, path: Path) -> str:
    if name == "onnx":
        return str(next(item.value for item in onnx.load(path).metadata_props if item.key == KEY))
    if name == "savedmodel":
        return (path / "assets" / NAME).read_text()
    with zipfile.ZipFile(path) as archive:
        return archive.read(NAME).decode()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in DAILY else pytest.mark.slow) for name in FORMATS]
)
def test_a_format_says_what_the_run_says_and_what_it_is(name: str, run: Run, request: pytest.FixtureRequest) -> None:
    made = request.getfixturevalue("exported" if name in DAILY else "exported_too")[name]
    assert made.path == run.path / "export" / f"made{SUFFIXES[name]}" and made.images == "8 train"
    assert made.difference < 1e-5
    said, expected = FORMATS[name].open(made.path)(inputs()), said_by(run, inputs())
    assert set(said) == set(OUTPUTS)
    for output in OUTPUTS:
        assert said[output] == pytest.approx(expected[output], abs=1e-5)
    assert abs(said[CALIBRATED] - said[PROBABILITIES]).max() > 1e-3, "the temperature must tell"
    text = contract_in(name, made.path)
    assert Contract.from_json(text) == job.contract_of(Predictor(run))
    assert json.loads(text)["weights_sha256"] == digest_of(run.path / WEIGHTS) and "not for diagnosis" in text
    assert [path for path in made.path.parent.iterdir() if path.name.startswith(".")] == []
    assert not (made.path.stat().st_mode & 0o077)


@pytest.mark.slow
def test_litert_carries_its_labels_as_its_runtime_wants_them(exported_too: dict[str, job.Exported]) -> None:
    with zipfile.ZipFile(exported_too["litert"].path) as archive:
        assert archive.read("labels.txt").decode() == "CO\\x1b[2JVID\nViral Pneumonia\n"


def test_the_onnx_file_is_one_by_onnx_s_own_checker(exported: dict[str, job.Exported]) -> None:
    proto = onnx.load(exported["onnx"].path)
    onnx.checker.check_model(proto, full_check=True)
    assert [value.name for value in proto.graph.input] == [INPUT] and "not for diagnosis" in proto.doc_string
    assert {node.domain for node in proto.graph.node} == {""}


def test_predict_through_onnx_is_predict_of_the_run(run: Run, exported: dict[str, job.Exported], cli: Cli) -> None:
    file = SAMPLE / "Normal" / "images" / "Normal-1.png"
    one, other = (
        cli("predict", file, file.parent / "absent.png", "--run", path, "--json")
        for path in (exported["onnx"].path, run.path)
    )
    assert one.returncode == other.returncode == 3 and "exported from run made" in one.stderr
    (said, absent), (own, _) = (list(map(json.loads, done.stdout.splitlines())) for done in (one, other))
    assert "no such file" in absent["error"] and "\x1b" not in one.stdout + one.stderr
    for key in ("probabilities", "calibrated"):
        assert said.pop(key) == pytest.approx(own.pop(key), abs=1e-5)
    own["cautions"] = [text for text in own["cautions"] if not text.startswith("is unlike anything")]
    for key in ("distance", "distance_limit", "unlike"):
        assert said.pop(key) is None and own.pop(key) is not None
    assert said == own and said["likeness"]["images"] == 20 and said["decision"]["rule"] == "youden"
    shown = cli("predict", file, "--run", exported["onnx"].path)
    assert shown.returncode == 0 and "CO\\x1b[2JVID" in shown.stdout and "\x1b" not in shown.stdout


def test_predict_through_onnx_loads_no_tensorflow(exported: dict[str, job.Exported]) -> None:
    arguments = ["predict", str(SAMPLE / "Normal" / "images" / "Normal-1.png"), "--run", str(exported["onnx"].path)]
    loaded = loaded_by(f"from tui.cli import run; assert run({arguments!r}) == 0")
    assert "onnxruntime" in loaded
    assert not loaded & {"tensorflow", "keras", "h5py", "sklearn", "scipy", "textual", "onnx", "tf2onnx"}


def test_a_file_that_says_something_else_is_refused_and_removed(
    run: Run, fewer: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def colder(predictor: Predictor) -> Any:
        assert predictor.calibration
        object.__setattr__(predictor.calibration, "temperature", 0.9 * predictor.calibration.temperature)
        return exportable(predictor)

    monkeypatch.setattr(job, "exportable", colder)
    target = tmp_path / "x.keras"
    target.write_bytes(b"what was here before")
    with pytest.raises(RunError, match="something else than the run"):
        list(job.export(run, "keras", target, True, Context(ignore, Stop())))
    assert target.read_bytes() == b"what was here before" and list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
def test_made_noise_stands_in_for_images_that_are_gone(run: Run, fewer: None, tmp_path: Path) -> None:
    copy = Run(tmp_path / "copy")
    shutil.copytree(run.path, copy.path, ignore=shutil.ignore_patterns("export"))
    write_json(copy.path / "config.json", {**copy.read_json("config.json"), "folder": str(tmp_path / "gone")})
    (copy.path / CALIBRATION).unlink()
    (made,) = job.export(copy, "keras", tmp_path, False, Context(ignore, Stop()))
    assert made.images == "16 noise" and made.path == tmp_path / "copy.keras"
    said = FORMATS["keras"].open(made.path)(inputs())
    assert np.array_equal(said[PROBABILITIES], said[CALIBRATED])
    assert Contract.from_json(contract_in("keras", made.path)).temperature is None


@pytest.mark.slow
def test_a_stop_leaves_nothing(run: Run, fewer: None, tmp_path: Path) -> None:
    stop = Stop()

    def emit(event: Event) -> None:
        if isinstance(event, Progress) and event.done:
            stop.request("now")

    with pytest.raises(Stopped):
        list(job.export(run, "savedmodel", tmp_path, False, Context(emit, stop)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "to", "sentence"),
    [
        ("onnx,gguf", None, 'no format "gguf"'),
        (" ", None, "--format is empty"),
        ("onnx,keras", "x.onnx", "a file of onnx alone"),
        ("keras", "x.onnx", "a file of onnx alone"),
        ("keras", "there/run.keras", "exists already: give --force"),
        ("keras", "there", "exists already: give --force"),
    ],
)
def test_what_is_asked_for_is_checked_before_anything_is_loaded(
    names: str, to: str | None, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "run.keras").touch()
    with pytest.raises(ConfigError, match=sentence):
        list(job.export(Run(tmp_path / "run"), names, tmp_path / to if to else None, False, Context(ignore, Stop())))


def test_force_replaces_exported_files_and_nothing_that_a_run_or_a_user_has(tmp_path: Path) -> None:
    run, (own, mine) = Run(tmp_path / "run"), (tmp_path / "run", tmp_path / "mine.savedmodel")
    for folder in (own, mine):
        folder.mkdir()
    for file in (own / "config.json", own / "events.jsonl", own / "model.keras", mine / "thesis.txt"):
        file.write_text("mine")
    for name, to, sentence in (
        ("keras", own / "model.keras", "belongs to the run"),
        ("savedmodel", mine, "is no file of an export"),
        ("savedmodel", own / "model.keras", "a file of keras alone"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            list(job.export(run, name, to, True, Context(ignore, Stop())))
    assert {file.read_text() for folder in (own, mine) for file in folder.iterdir()} == {"mine"}


@pytest.mark.slow
def test_the_verb_tells_each_file_and_keeps_what_is_there(run: Run, cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "model.keras"
    done = cli("export", run.path, "--format", "keras", "--to", target, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["path"] == str(target) and told["difference"] < 1e-3 and told["bytes"] == target.stat().st_size
    again = cli("export", run.path, "--format", "keras", "--to", target)
    assert again.returncode == 2 and "exists already" in again.stderr
    assert cli("export", run.path).returncode == 2


def tiny(path: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A small file in the exported form, changed."""
    values = {"run": "r", "version": "0", "weights_sha256": "", "backbone": "vgg16", "preprocessing": "caffe"}
    contract = Contract(**values, size=32, classes=("a", "b"), temperature=None, operating=None)  # type: ignore[arg-type]
    weights = numpy_helper.from_array(np.random.default_rng(0).normal(0, 0.01, (3, 2)).astype(np.float32), "weights")
    axes = numpy_helper.from_array(np.array([2, 3]), "axes")
    nodes = [
        helper.make_node("Transpose", [INPUT], ["turned"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["turned"], ["means"]),
        helper.make_node("Squeeze", ["means", "axes"], ["mean"]),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        *(helper.make_node("Softmax", ["logits"], [name], axis=-1) for name in OUTPUTS),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in OUTPUTS]
    start = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 32, 32, 3])
    graph = helper.make_graph(nodes, "g", [start], ends, [weights, axes])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(proto, {KEY: contract.to_json()})
    change(proto)
    path.write_bytes(proto.SerializeToString())
    return path


def external(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")


def external_in_a_node(proto: onnx.ModelProto) -> None:
    value = TensorProto(data_type=TensorProto.FLOAT, dims=[3, 2], data_location=TensorProto.EXTERNAL)
    value.external_data.add(key="location", value="/etc/passwd")
    proto.graph.initializer.pop(0)
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["weights"], value=value))


def node(proto: onnx.ModelProto, operation: str) -> onnx.NodeProto:
    return next(node for node in proto.graph.node if node.op_type == operation)


def custom(proto: onnx.ModelProto) -> None:
    node(proto, "MatMul").domain = "evil.corp"


def loop(proto: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    proto.graph.node.append(helper.make_node("Identity", ["mean"], ["more"], body=body))


def endless(proto: onnx.ModelProto) -> None:
    node(proto, "MatMul").op_type = "Loop"


def functions(proto: onnx.ModelProto) -> None:
    proto.functions.append(helper.make_function("x", "f", [], [], [], []))


def no_metadata(proto: onnx.ModelProto) -> None:
    del proto.metadata_props[:]


def other_metadata(proto: onnx.ModelProto) -> None:
    proto.metadata_props[0].value = json.dumps({**json.loads(proto.metadata_props[0].value), "classes": ["a", "a"]})


def no_json(proto: onnx.ModelProto) -> None:
    proto.metadata_props[0].value = "[" * 100_000


def other_size(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64


def other_output(proto: onnx.ModelProto) -> None:
    proto.graph.output.pop()


def logits(proto: onnx.ModelProto) -> None:
    plain = node(proto, "Softmax")
    plain.op_type = "Identity"
    del plain.attribute[:]


def unfit(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.zeros((5, 2), np.float32), "weights"))


HOSTILE = [
    (external, "takes weights from another file"), (external_in_a_node, "takes weights from another file"),
    (custom, 'the operation "evil.corp.MatMul"'), (loop, "a graph within its graph"),
    (endless, 'the operation "Loop"'), (functions, "functions or a training"), (no_metadata, "no metadata of"),
    (other_metadata, 'its "classes" name one twice'), (no_json, "has damaged metadata: it"),
    (other_size, "something else than its metadata says"), (other_output, "something else than its metadata says"),
    (logits, "no probabilities"), (unfit, "can't be"),
]  # fmt: skip


def test_a_file_in_the_exported_form_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def unused(proto: onnx.ModelProto) -> None:
        proto.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "unused"))

    model = OnnxModel(tiny(tmp_path / "x.onnx", unused))
    assert capfd.readouterr() == ("", ""), "the runtime warns of what is unused"
    rows = model.answer(np.zeros((2, 32, 32, 3), np.uint8))
    assert rows[PROBABILITIES] == pytest.approx(0.5)


@pytest.mark.parametrize(("change", "sentence"), HOSTILE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_hostile_onnx_file_ends_in_a_sentence(
    change: Callable[[onnx.ModelProto], None], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    np.zeros((3, 2), np.float32).tofile(tmp_path / "secret.bin")
    with pytest.raises(RunError, match=sentence) as found:
        OnnxModel(tiny(tmp_path / "x.onnx", change)).answer(np.full((1, 32, 32, 3), 255, np.uint8))
    assert str(found.value).startswith(str(tmp_path)) and "\n" not in str(found.value)
    assert capfd.readouterr() == ("", ""), "the runtime's own remarks must not reach the terminal"


def test_no_damage_of_a_file_ends_in_anything_but_a_sentence(tmp_path: Path) -> None:
    whole = tiny(tmp_path / "x.onnx", lambda _: None).read_bytes()
    path = tmp_path / "y.onnx"
    draw = np.random.default_rng(0)
    for number in range(400):
        data = bytearray(whole[: draw.integers(0, len(whole) + 1)] if number % 2 else whole)
        for at in draw.integers(0, max(1, len(data)), 3 if data else 0):
            data[at] = draw.integers(0, 256)
        path.write_bytes(data)
        try:
            OnnxModel(path).answer(np.zeros((1, 32, 32, 3), np.uint8))
        except RunError as error:
            assert "\n" not in str(error)


def test_a_folder_a_pipe_and_a_giant_are_no_onnx_files(tmp_path: Path, cli: Cli) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    with (tmp_path / "giant.onnx").open("wb") as file:
        file.truncate(2**31)
    for name, sentence in (
        ("pipe", "a pipe or a device, not a file"),
        ("giant", "no such file has more than"),
        ("absent", "No such file"),
    ):
        with pytest.raises(RunError, match=sentence):
            read_onnx(tmp_path / f"{name}.onnx")
    done = cli("predict", SAMPLE / "COVID" / "images" / "COVID-1.png", "--run", tmp_path / "absent.onnx")
    assert done.returncode == 1 and done.stderr.count("\n") == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda value: st.lists(value) | st.dictionaries(st.text(), value),
)


@given(ANYTHING)
def test_no_metadata_gets_past_the_contract(value: Any) -> None:
    good = Contract("r", "0", "", "vgg16", "caffe", 224, ("a", "b"), 2.0, None)
    values = {**json.loads(good.to_json()), "operating": None}
    assert Contract.from_json(json.dumps(values)).classes == ("a", "b")
    for key in ("run", "size", "classes", "temperature", "operating"):
        try:
            found = Contract.from_json(json.dumps({**values, key: value}))
        except ValueError:
            continue
        assert isinstance(found.run, str) and type(found.size) is int and 16 <= found.size <= 2048
        assert len(found.classes) >= 2 and all(isinstance(name, str) for name in found.classes)
        assert found.temperature is None or (math.isfinite(found.temperature) and found.temperature > 0)
        assert found.operating is None or found.operating.positive in found.classes


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "x"
    for text in ("one", "two"):
        with replacing_folder(target) as part:
            (part / text).write_text(text)
        assert [path.name for path in target.iterdir()] == [text]
    with pytest.raises(ValueError), replacing_folder(target) as part:
        (part / "three").write_text("three")
        raise ValueError
    assert [path.name for path in target.iterdir()] == ["two"] and list(tmp_path.iterdir()) == [target]
