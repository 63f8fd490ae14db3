"""The user's config.toml: what is right is taken, what is wrong is named and passed over."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.words.settings import Settings, load

RIGHT = 'theme = "covid-light"\nunicode = true\nimage_protocol = "sixel"\n'


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[keys]\nstop = 3\n", 'its "keys[...]" should be text, not a whole number.'),
        ('[keys]\nstop = ""\n', 'its "keys[...]" should be text that is not empty.'),
        ('keys = "s"\n', 'its "keys" should be a group of keys, not text.'),
        ("colour = 1\n", "there is no setting colour."),
        ("recipe = 3\n", "The recipe can't be used: it should be a group of keys, not a whole number."),
        ("[recipe.fit]\nepochs = true\n", 'its "fit.epochs" should be a whole number, not true or false.'),
        ("[recipe.fit]\nepoch = 1\n", "The recipe has the unknown key epoch."),
        ("[recipe.fit]\nepochs = 0\n", "--epochs is 0"),
    ],
)
def test_what_is_wrong_is_passed_over_in_a_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(RIGHT + line)
    found = load(path)
    assert (found.theme, found.unicode, found.image_protocol) == ("covid-light", True, "sixel")
    (complaint,) = found.complaints
    assert complaint.startswith(f"{path}: ") and sentence in complaint and complaint.endswith(".")
    assert found.recipe == Settings().recipe and (found.recipe_complaint == complaint) == ("recipe" in line)


VALUES = st.booleans() | st.text() | st.integers(-(2**63), 2**63 - 1) | st.just("kitty")


@given(st.dictionaries(st.sampled_from(["theme", "unicode", "image_protocol"]), VALUES))
@settings(deadline=None)
def test_every_setting_is_taken_or_named(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("settings") / "config.toml"
    path.write_bytes("".join(f"{name} = {toml(value)}\n" for name, value in values.items()).encode())
    found = load(path)
    for name, value in values.items():
        named = sum(f'"{name}"' in complaint for complaint in found.complaints)
        assert (getattr(found, name) == value and type(getattr(found, name)) is type(value)) != bool(named)


def toml(value: bool | str | int) -> str:
    """A value as TOML has it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
