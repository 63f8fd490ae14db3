"""Words that sentences share: counts with their nouns, what helps where something can't be written, addresses."""

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.wording import counted, in_turn, listing, not_a_path, remedy, unwritable, whole_percent
from engine.recipe.lists import join_list, split_list
from tests.conftest import ROOT, SAMPLE, Cli
from translations.messages import sources
from tui.cli import run

PRODUCT = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]
ALWAYS_SEVERAL = (
    "{count} devices", "{count} workers", "{count} runs", "{matched:,} of them are images", "{count:,} of the names",
)  # fmt: skip
"""Where there are two at least, and shares whose noun goes with the whole."""


def test_a_count_has_the_noun_that_goes_with_it() -> None:
    assert [counted(n, "image") for n in (0, 1, 2, 1000)] == ["0 images", "1 image", "2 images", "1,000 images"]
    assert [counted(n, "batch", "batches") for n in (1, 2)] == ["1 batch", "2 batches"]


def test_sentences_and_lists_are_put_together_as_their_language_does() -> None:
    assert in_turn("One.", "", "Two.", "Three.") == "One. Two. Three." and in_turn() == in_turn("") == ""
    assert in_turn("一張。", "兩張。", "Three.") == "一張。兩張。Three."
    assert listing(("a", 2)) == "a, 2" and listing(()) == ""


@given(st.integers(0, 400), st.integers(1, 400))
def test_a_half_percent_is_rounded_up_wherever_it_stands(part: int, whole: int) -> None:
    count = min(part, whole)
    assert whole_percent(count / whole) == f"{(200 * count + whole) // (2 * whole)}%"
    assert whole_percent(1 - (whole - count) / whole) == whole_percent(count / whole)


PERCENT = re.compile(r"\.0%\}|\.0f\}%|int\(100 \*|round\(100 \*")
"""A share that is rounded in its place."""
EXACT = ("{level:.0%}", "{possible.level:.0%}", "{risk:.0%}", "{CONFIDENCE:.0%}", "{start:>4.0%}",
         "{self.shift_x:+.0%}", "{self.shift_y:+.0%}")  # fmt: skip
"""Levels that the user names and ends of a scale, which are whole percents, and how far an image is moved."""
GAUGES = {"tui/screens/train/machine.py"}


def test_a_share_without_decimals_is_rounded_in_one_place() -> None:
    found = []
    for path in PRODUCT:
        text = path.read_text(encoding="utf-8")
        for exact in EXACT:
            text = text.replace(exact, "")
        if PERCENT.search(text) and str(path.relative_to(ROOT)) not in GAUGES:
            found.append(f"{path.relative_to(ROOT)}: {PERCENT.findall(text)}")
    assert found == []


def plurals(tree: ast.AST) -> Iterator[str]:
    """The plurals in messages that stand behind a number of things, whatever it is."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "tr" and isinstance(call.args[0], ast.Constant):
            for value in call.keywords:
                if isinstance(value.value, ast.Call) and ast.unparse(value.value.func) == "len":
                    plural = re.compile(rf"\{{{value.arg}(:,)?\}} [a-z ]*?[a-z]+s\b")
                    yield from (match[0] for match in plural.finditer(str(call.args[0].value)))


def test_no_sentence_has_a_plural_that_one_would_make_wrong() -> None:
    found = [(file, plural) for file, tree in sources() for plural in plurals(tree) if plural not in ALWAYS_SEVERAL]
    assert found == []
    assert [*plurals(ast.parse('tr("{n} images", n=len(x))'))] == ["{n} images"]


def test_one_problem_is_one_problem(cli: Cli, tmp_path: Path) -> None:
    for label in ("COVID", "Normal"):
        (tmp_path / label).mkdir()
        for number in (1, 2, 3):
            os.link(SAMPLE / label / "images" / f"{label}-{number}.png", tmp_path / label / f"{number}.png")
    (tmp_path / "COVID" / "bad.png").write_text("no picture")
    said = cli("scan", tmp_path).stdout
    assert "\n1 problem:\n" in said and "1 problems" not in said


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@pytest.mark.parametrize("number", [*FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENAMETOOLONG])
def test_room_is_asked_for_only_where_it_lacks(number: int) -> None:
    said = unwritable("runs/x", OSError(number, os.strerror(number)))
    assert said.startswith(f"runs/x can't be written ({os.strerror(number)}): ") and said.endswith(".")
    assert ("make room" in said) == (number in FULL)
    assert ("permissions" in said) == (number in (errno.EACCES, errno.EPERM))


def test_no_place_of_the_product_asks_for_room_by_itself() -> None:
    asking = [str(path.relative_to(ROOT)) for path in PRODUCT if "make room" in path.read_text(encoding="utf-8")]
    assert asking == ["engine/base/wording.py"]


def test_a_library_s_error_without_a_number_is_told_in_its_own_words() -> None:
    assert unwritable("x", OSError("Unable to create file")) == (
        "x can't be written (Unable to create file): choose another place."
    )
    assert remedy(OSError()) == "choose another place"


@pytest.mark.parametrize(
    "text", ["https://host/set.zip", "s3://bucket/key", "HTTP://host", "gs://b/c d", "https:/host/x", "hf:/x/y"]
)
def test_an_address_is_said_not_to_be_read(text: str) -> None:
    assert "addresses are not read: download it first" in not_a_path(text)


@pytest.mark.parametrize("text", ["file:///data/x", "file:/data/x", "file://localhost/data/x"])
def test_the_address_of_a_file_is_turned_into_its_path(text: str) -> None:
    assert not_a_path(text).endswith("give the path alone, /data/x.")


@pytest.mark.parametrize("text", ["", "data", "C:/data", "a:b", "name:(.*)-", "x/https://y", "./https:/x", "//host/x"])
def test_other_texts_are_paths(text: str) -> None:
    assert not_a_path(text) == ""


def test_a_folder_that_is_named_like_an_address_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "https:" / "host").mkdir(parents=True)
    assert not_a_path("https://host") == "" and not_a_path("https://other") != ""


@pytest.mark.parametrize(
    "command",
    [
        ("scan", "{}"), ("train", "{}"), ("train", "data", "--split", "{}"), ("train", "data", "--weights={}"),
        ("predict", "x.png", "{}"), ("inspect", "{}"), ("explain", "{}"), ("evaluate", "run", "--on", "{}"), ("{}",),
        ("predict", "x.png", "--csv", "{}"), ("lr-find", "{}"), ("layers", "--suggest", "{}"), ("report", "{}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["https://host/set/a.png", "s3://bucket/a", "file:///a"])
def test_every_verb_says_that_addresses_are_not_read(
    command: tuple[str, ...], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word.format(address) for word in command]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"covid-tui: {address} is an address, and addresses are not read")


def test_a_recipe_s_file_names_no_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.toml").write_text('[data]\nsplit = "https://host/split.csv"\n')
    assert run(["train", str(SAMPLE), "--config", str(tmp_path / "recipe.toml")]) == 2
    assert "https://host/split.csv is an address" in capsys.readouterr().err


@pytest.mark.parametrize("names", [("a, b", "c"), ("a",), ('say "x", y', "z"), ("肺", "a,b,c", "d e")])
def test_class_names_with_commas_can_be_written_as_a_list(names: tuple[str, ...]) -> None:
    assert split_list(join_list(names)) == names


@pytest.mark.parametrize(
    "flags", [["--classes", '"a, b",c'], ["--classes", "a, b", "--classes", "c"], ["--classes=a, b", "--classes=c"]]
)
def test_a_class_with_a_comma_is_named_in_quotes_or_by_a_flag_of_its_own(
    flags: list[str], cli: Cli, tmp_path: Path
) -> None:
    for label, source in (("a, b", "COVID"), ("c", "Normal"), ("d", "Normal")):
        (tmp_path / label).mkdir()
        for number in (1, 2):
            os.link(SAMPLE / source / "images" / f"{source}-{number}.png", tmp_path / label / f"{number}.png")
    said = cli("scan", tmp_path, *flags).stdout.splitlines()
    assert [line[:5].strip() for line in said[1:3]] == ["a, b", "c"] and not said[3].startswith("d ")


@pytest.mark.parametrize("verb", ["train", "scan", "sweep", "audit", "lr-find"])
def test_help_says_how_a_class_with_a_comma_is_written(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    assert run([verb, "--help"]) == 0
    assert """'"a, b",c'. Or give --classes once for each name.""" in capsys.readouterr().out


ODD = re.compile(
    r"error of its own|\b(is|are|be|longer|could be) told\b(?! apart| from)|header tells|not tell (its|the workers)\b"
    r"|said yet|told (with|rightly)\b"
)
"""Phrases in which the usual word is another one: internal error, reported, given, known."""


def statements(node: ast.AST) -> list[ast.stmt]:
    """Those in the node's body; a lambda's body is none."""
    body = getattr(node, "body", None)
    return body if isinstance(body, list) else []


def texts_of(path: Path) -> list[str]:
    """The texts of a file that a user may read: all but the notes that the code has for its readers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    notes = {id(line.value) for node in ast.walk(tree) for line in statements(node) if isinstance(line, ast.Expr)}
    shown = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes]
    texts = [node.value for node in shown if isinstance(node.value, str)]
    if path.parent.name == "commands":  # whose functions' notes are the help
        texts += [ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)]
    return texts


def test_no_text_for_a_user_has_an_odd_phrase() -> None:
    odd = [f"{path.relative_to(ROOT)}: {text}" for path in PRODUCT for text in texts_of(path) if ODD.search(text)]
    assert odd == []


@pytest.mark.parametrize(
    "text",
    [
        "run x ended by an error of its own", "the run and all that is told of it", "distances are no longer told",
        "used is told with its reason", "as its header tells; copy", "it does not tell its Rows",
        "Nothing has been said yet.",
    ],
)  # fmt: skip
def test_odd_phrases_of_before_are_known(text: str) -> None:
    assert ODD.search(text)


def test_people_may_tell_things_apart() -> None:
    for text in ("patients can't be told apart", "can't be told from chance", "it does not tell the classes apart"):
        assert not ODD.search(text)
