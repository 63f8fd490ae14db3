"""Docstrings as messages: taken apart into paragraphs and parameters, and put together in another language."""

import ast
import inspect
from dataclasses import dataclass

from engine.base.language import tr

_PARAMETERS = "\n\nParameters\n----------\n"


@dataclass(frozen=True)
class Docstring:
    """The paragraphs of a docstring, and the text of each parameter; each is one line, as it is looked up."""

    paragraphs: tuple[str, ...]
    parameters: dict[str, str]

    @property
    def messages(self) -> tuple[str, ...]:
        """All that is to be translated."""
        return (*self.paragraphs, *self.parameters.values())

    def translated(self) -> str:
        """The docstring in the chosen language."""
        told = [f"{name}\n    {' '.join(tr(text).split())}" for name, text in self.parameters.items()]
        return "\n\n".join(map(tr, self.paragraphs)) + (_PARAMETERS + "\n".join(told) if told else "")


def taken_apart(text: str) -> Docstring:
    """A docstring whose parameters stand under a heading, each with its text indented below its name."""
    head, _, below = inspect.cleandoc(text).partition(_PARAMETERS)
    parameters, name = dict[str, str](), ""
    for line in below.splitlines():
        if line.startswith(" "):
            parameters[name] = f"{parameters[name]} {line.strip()}".strip()
        elif line:
            name = line
            parameters[name] = ""
    return Docstring(tuple(" ".join(part.split()) for part in head.split("\n\n")), parameters)


def of_verbs(module: ast.Module) -> list[Docstring]:
    """The docstrings of a file's functions that tell their parameters, as those of all verbs do."""
    functions = (node for node in module.body if isinstance(node, ast.FunctionDef))
    found = (ast.get_docstring(function) or "" for function in functions)
    return [taken_apart(text) for text in found if _PARAMETERS in text]
