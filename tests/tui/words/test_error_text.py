"""An error as a sentence: the same on the command line and in the workbench."""

import errno
import os

import pytest

from engine.base.errors import CovidTuiError, DataError, RunError
from engine.base.wording import UNWRITABLE
from tui.words.error_text import error_sentence, expected


@pytest.mark.parametrize("error", [DataError("x is no folder."), RunError("The run is live."), CovidTuiError("So.")])
def test_an_error_of_the_product_is_its_sentence(error: CovidTuiError) -> None:
    assert error_sentence(error) == expected(error) == str(error)


@pytest.mark.parametrize("number", sorted(UNWRITABLE))
def test_what_can_t_be_written_says_which_file_and_what_to_do(number: int) -> None:
    error = OSError(number, os.strerror(number), "runs/a/best.keras")
    sentence = error_sentence(error)
    assert sentence.startswith(f"runs/a/best.keras can't be written ({os.strerror(number)}): ")
    assert "nternal" not in sentence and expected(error) == sentence


def test_what_nobody_foresaw_is_called_internal_and_named() -> None:
    assert error_sentence(ZeroDivisionError("division by zero")) == (
        "Internal error, ZeroDivisionError: division by zero"
    )
    assert expected(ZeroDivisionError()) == "" and expected(OSError(errno.EIO, "Input/output error")) == ""
