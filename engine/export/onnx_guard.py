"""What an ONNX file holds, looked at before anything runs it: an export of ours, or refused.

ONNX can do more than compute an answer. A tensor may lie in any other file of the machine, a loop may never end, an
operation may come from a library. An exported network needs none of that: a file that has any of it is refused by a
walk over its bytes, which knows only what it has to of the format (protobuf; onnx.proto gives the field numbers).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.base.errors import RunError
from engine.base.language import tr
from engine.base.typed_files import content, why

LARGEST = 2**31 - 1
"""Bytes, as protobuf has it."""
MOST_NODES = 10_000
"""EfficientNetB1, which has most, has 472."""
OPERATIONS = frozenset((
    "Add", "AveragePool", "Clip", "Concat", "Conv", "GlobalAveragePool", "Identity", "Log", "MatMul", "Max", "MaxPool",
    "Mul", "Pad", "Relu", "Reshape", "Sigmoid", "Slice", "Softmax", "Squeeze", "Sub", "Transpose",
))  # fmt: skip
"""What the exported backbones are made of, no more: each is done once, in an order, and needs nothing from outside."""

_GRAPH, _METADATA, _FUNCTIONS, _TRAINING = 7, 14, 25, 20
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_OPERATION, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS, _SPARSE_ATTRIBUTES = 5, 6, 10, 11, (22, 23)
_EXTERNAL, _LOCATION = 13, 14

Field = tuple[int, int, memoryview]
"""Its number, its value where that is a whole number (else 0), and its bytes where it has some."""


@dataclass
class OnnxFile:
    """A file that was walked over."""

    data: bytes
    metadata: dict[str, str] = field(default_factory=dict)


def read_onnx(path: Path) -> OnnxFile:
    """The file's bytes and metadata. Raises RunError, naming the file and what is wrong with it."""
    found = OnnxFile(_content(path))
    try:
        _walk_model(found)
    except _RefusedError as error:
        raise RunError(
            tr("{path} {error}, which no export of covid-tui has: it is not run.", path=path, error=error)
        ) from None
    except (ValueError, IndexError, UnicodeDecodeError):
        raise RunError(tr("{path} is no ONNX file, or a damaged one: export the run again.", path=path)) from None
    return found


class _RefusedError(Exception):
    pass


def _content(path: Path) -> bytes:
    try:
        return content(path, LARGEST)
    except OSError as error:
        raise RunError(
            tr("{path} can't be read ({why}): give an ONNX file or a run.", path=path, why=why(error))
        ) from None


def _walk_model(found: OnnxFile) -> None:
    graphs = 0
    for number, _, value in _fields(memoryview(found.data)):
        if number == _GRAPH:
            graphs += 1
            _walk_graph(value)
        elif number == _METADATA:
            pair = {at: bytes(text).decode() for at, _, text in _fields(value)}
            found.metadata[pair.get(1, "")] = pair.get(2, "")
        elif number in (_FUNCTIONS, _TRAINING):
            raise _RefusedError(tr("defines functions or a training of its own"))
    if graphs != 1:
        raise ValueError("no graph, or several")


def _walk_graph(graph: memoryview) -> None:
    nodes = 0
    for number, _, value in _fields(graph):
        if number == _NODE:
            nodes += 1
            if nodes > MOST_NODES:
                raise _RefusedError(tr("has more than {most:,} nodes", most=MOST_NODES))
            _walk_node(value)
        elif number == _INITIALIZER:
            _walk_tensor(value)
        elif number == _SPARSE:
            raise _RefusedError(tr("has sparse tensors"))


def _walk_node(node: memoryview) -> None:
    operation = domain = ""
    for number, _, value in _fields(node):
        if number == _OPERATION:
            operation = bytes(value).decode()
        elif number == _DOMAIN:
            domain = bytes(value).decode()
        elif number == _ATTRIBUTE:
            _walk_attribute(value)
    if domain not in ("", "ai.onnx") or operation not in OPERATIONS:
        name = (domain[:60] + "." if domain else "") + operation[:60]
        raise _RefusedError(tr('has the operation "{name}"', name=name if name.isprintable() else ascii(name)[1:-1]))


def _walk_attribute(attribute: memoryview) -> None:
    for number, _, value in _fields(attribute):
        if number in (_SUBGRAPH, _SUBGRAPHS):
            raise _RefusedError(tr("has a graph within its graph, as loops have"))
        if number in _SPARSE_ATTRIBUTES:
            raise _RefusedError(tr("has sparse tensors"))
        if number in (_TENSOR, _TENSORS):
            _walk_tensor(value)


def _walk_tensor(tensor: memoryview) -> None:
    for number, whole, _ in _fields(tensor):
        if number == _EXTERNAL or (number == _LOCATION and whole):
            raise _RefusedError(tr("takes weights from another file"))


def _fields(message: memoryview) -> Iterator[Field]:
    """The fields of a protobuf message. Raises ValueError or IndexError where it is none."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        number, kind = key >> 3, key & 7
        whole, length = 0, 0
        if kind == 0:
            whole, at = _number(message, at)
        elif kind == 2:
            length, at = _number(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"unknown wire type {kind}")
        if number == 0 or at + length > len(message):
            raise ValueError("a field is cut short")
        yield number, whole, message[at : at + length]
        at += length


def _number(message: memoryview, at: int) -> tuple[int, int]:
    """A variable-length whole number, and where the next thing begins."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
