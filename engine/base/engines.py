"""The names of what can compute the frozen layers, and whether ncnn is at hand."""

import functools
from typing import Literal

from engine.base.language import tr

EngineName = Literal["keras", "ncnn"]
AskedEngine = Literal["auto", "keras", "ncnn"]
INSTALL = tr("run pip install ncnn")


@functools.cache
def ncnn_fault() -> str:
    """Why ncnn can't be used here, as a sentence without its full stop; empty where it can."""
    try:
        import ncnn  # noqa: F401
    except ModuleNotFoundError:
        return tr("ncnn is not installed")
    except Exception as error:  # a library that was built for another system fails in any way
        return tr("ncnn can't be loaded ({reason})", reason=(str(error).splitlines() or [type(error).__name__])[0])
    return ""


def identity(engine: EngineName) -> str:
    """The name by which an engine's results are told apart: two versions of ncnn may round otherwise.

    Keras's version is not in it: TensorFlow's is among what a run records, and kept activations outlive its updates.
    """
    if engine == "keras":
        return "keras, image by image"  # other numbers than those of earlier versions, which took a batch at once
    from importlib.metadata import version  # which takes longer than most that a prediction needs

    return f"ncnn {version('ncnn')}"
