"""Help and the complaints about a command line are in the chosen language, to the last flag."""

import re
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.makers import pseudo
from tui.cli.app import app
from tui.words.docstrings import taken_apart


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a made-up language."""
    language = pseudo.write(tmp_path_factory.mktemp("language") / "strange.mo")
    return {"COVID_TUI_LANGUAGE": str(language), "COLUMNS": "500"}


def flat(text: str) -> str:
    return " ".join(re.sub("[│╭╮╰╯─]", "", text).split())


@pytest.mark.parametrize("verb", ["train", "audit"])
def test_the_help_of_a_verb_is_told_whole(verb: str, cli: Cli, strange: dict[str, str]) -> None:
    told = flat(cli(verb, "--help", **strange).stdout)
    for text in taken_apart(app[verb].help).messages:
        assert pseudo.strange(text) in told
    for argument in app[verb].assemble_argument_collection(parse_docstring=True):
        if argument.show:
            assert pseudo.strange(flat(argument.parameter.help or "")) in told, argument.name
    for text in ("Usage: ", "Parameters", "[default: ", "[choices: ", "[required]", "Exit codes: 0 done"):
        assert pseudo.strange(text).strip() in told or (text == "[required]" and verb == "train")


def test_the_help_of_all_is_told_whole(cli: Cli, strange: dict[str, str]) -> None:
    told = flat(cli("--help", **strange).stdout)
    for name in app:
        if not name.startswith("-"):
            assert pseudo.strange(taken_apart(app[name].help).paragraphs[0]) in told
    for text in ("Commands", "Display this message and exit.", "Display application version.", "Folder of X-rays"):
        assert pseudo.strange(text) in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", "--foo", "1"), "Unknown option: --foo."),
        (("train", "--epochs", "x"), '--epochs is "x": give a whole number.'),
        (("train", "--epochs"), "--epochs requires a value."),
        (("train", "--mode", "trnsfer"), "Did you mean"),
        (("evaluate",), "requires a value."),
        (("train", "one", "other"), "What is not used:"),
        (("evaluate", "run", "--prevalence", "much"), '--prevalence is "much": give a number.'),
    ],
)
def test_a_wrong_command_line_is_told_of(
    words: tuple[str, ...], sentence: str, cli: Cli, strange: dict[str, str]
) -> None:
    done = cli(*words, **strange)
    assert done.returncode == 2 and sentence in pseudo.plain(done.stderr)
    assert sentence not in done.stderr, "it is told in the other language"


def test_a_shell_completes_with_help_in_the_language(cli: Cli, strange: dict[str, str], tmp_path: Path) -> None:
    told = cli("completion", "fish", **strange).stdout
    assert pseudo.strange("Number of classes.") in told and "complete" in told


def test_a_text_is_of_whole_lines_whatever_its_place_in_the_code(cli: Cli) -> None:
    """In the code it is broken, and set in."""
    shown = cli("train", "--help", COLUMNS="80").stdout
    goes_on = [line for line in shown.splitlines() if re.match("│ {20,}[^ ]", line)]
    assert len(goes_on) > 50 and len({len(line[1:]) - len(line[1:].lstrip()) for line in goes_on}) == 1
