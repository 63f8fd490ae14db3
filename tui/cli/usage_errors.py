"""What the flag library says of a wrong command line, in the chosen language."""

import difflib
import typing
from collections.abc import Iterable

from cyclopts import (
    CoercionError,
    ConsumeMultipleError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from engine.base.language import LANGUAGE, tr
from engine.base.wording import in_turn, listing


def usage_sentence(error: CycloptsError) -> str:
    """What is wrong with the command line: the library's own English, else our sentence on the common kinds."""
    return str(error) if LANGUAGE == "en" else _ours(error) or str(error)


def _ours(error: CycloptsError) -> str:
    """Our sentence; empty for an uncommon kind of error."""
    match error:
        case UnknownOptionError():
            name = error.token.keyword or error.token.value
            known = [name for argument in error.argument_collection if argument.parse for name in argument.names]
            return in_turn(tr("Unknown option: {name}.", name=name), _meant(name, known))
        case UnknownCommandError(unused_tokens=[name, *_]):
            verbs = [verb for verb in error.app or () if not verb.startswith("-")]
            return in_turn(tr('Unknown command "{name}".', name=name), _meant(name, verbs))
        case UnusedCliTokensError(unused_tokens=[*words]):
            return tr("What is not used: {words}.", words=listing(words))
        case ConsumeMultipleError():
            return ""
        case MissingArgumentError():
            return tr("{name} requires a value.", name=_name(error))
        case RepeatArgumentError():
            return tr("{name} is given more than once.", name=error.token.keyword)
        case CoercionError(token=token) if token is not None:
            return _unfit(_name(error), token.value, error.target_type)
    return ""


def _unfit(name: str, value: str, wanted: object) -> str:
    """What to say of a value that is not of the type that is wanted."""
    if typing.get_origin(wanted) is typing.Literal:
        choices = [str(one) for one in typing.get_args(wanted) if one != ""]
        sentence = tr('{flag} is "{text}": give one of {choices}.', flag=name, text=value, choices=listing(choices))
        return in_turn(sentence, _meant(value, choices))
    if wanted is int:
        return tr('{flag} is "{text}": give a whole number.', flag=name, text=value)
    if wanted is float:
        return tr('{flag} is "{text}": give a number.', flag=name, text=value)
    return tr('{name} can\'t be "{value}".', name=name, value=value)


def _name(error: CoercionError | MissingArgumentError) -> str:
    """The flag, as it was written, or the name of what has a place of its own."""
    token = error.token if isinstance(error, CoercionError) else None
    written = error.keyword if isinstance(error, MissingArgumentError) else token and token.keyword
    if written or error.argument is None:
        return written or ""
    name = error.argument.name
    return name.lstrip("-").upper() if error.argument.index is not None else name


def _meant(written: str, known: Iterable[str]) -> str:
    """A question for the known name that is most like what was written; empty where none is."""
    alike = difflib.get_close_matches(written, list(known), n=1, cutoff=0.6)
    return tr("Did you mean {name}?", name=alike[0]) if alike else ""
