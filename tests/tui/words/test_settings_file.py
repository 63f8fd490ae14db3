"""A setting is changed in config.toml, and nothing else of it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.errors import ConfigError
from tui.words.settings import load
from tui.words.settings_file import changed, save

FILE = """\
# mine
theme = "covid-light"  # by day
unknown = [1,
  2]

[keys]
# the usual ones
"train.stop" = 's,f8'  # as elsewhere
"runs.pick" = "x"

[recipe.fit]
batch = 16
"""


def test_only_the_line_of_the_setting_changes() -> None:
    new = changed(FILE, ("theme",), "nord")
    assert new == FILE.replace('"covid-light"', '"nord"')
    new = changed(FILE, ("keys", "train.stop"), "f9")
    assert new == FILE.replace("'s,f8'", '"f9"')
    assert changed(FILE, ("keys", "runs.pick"), None) == FILE.replace('"runs.pick" = "x"\n', "")


def test_a_new_setting_gets_a_line_where_it_belongs() -> None:
    for name, value in ((("unicode",), True), (("keys", "app.quit"), "ctrl+q"), (("image_protocol",), "sixel")):
        for text in (FILE, "", "[recipe.fit]\nbatch = 16", "[keys]", "# nothing\r\n[keys] # mine\r\n"):
            new = changed(text, name, value)
            found = tomllib.loads(new)
            assert (found[name[0]] if len(name) == 1 else found[name[0]][name[1]]) == value
            kept = iter(new.splitlines())
            assert all(line in kept for line in text.splitlines()), "every line is still there, in order"


@pytest.mark.parametrize("text", ['keys = {a = "b"}', '"keys".a = "b"', "keys = 3", "[keys\n", 'theme = """\na"""'])
def test_what_takes_more_than_a_line_is_refused_and_left_alone(text: str) -> None:
    with pytest.raises(ConfigError, match=r"by hand|mend it"):
        changed(text, ("theme",) if "theme" in text else ("keys", "train.stop"), "f9")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXT, st.sampled_from([("theme",), ("keys", "a.b")]))
def test_any_text_comes_back(value: str, name: tuple[str, ...]) -> None:
    found = tomllib.loads(changed(FILE, name, value))
    before = tomllib.loads(FILE)
    if len(name) == 1:
        assert found == {**before, "theme": value}
    else:
        assert found == {**before, "keys": {**before["keys"], "a.b": value}}


def test_a_file_is_made_and_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "covid-tui" / "config.toml"
    save(real, ("theme",), "nord")
    link.parent.mkdir()
    link.symlink_to(real)
    save(link, ("keys", "app.quit"), "f10")
    assert link.is_symlink()
    found = load(link)
    assert found.theme == "nord" and found.keys == {"app.quit": "f10"} and not found.complaints
