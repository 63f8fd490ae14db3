"""The papers agree with the program: every verb, flag, field, event and key is on the site, every command that a page
shows can be typed, links lead somewhere, and nothing on a page is fetched from elsewhere.
"""

import dataclasses
import itertools
import re
from pathlib import Path

import pytest

from docs import reference
from tests.conftest import ROOT

SITE = ROOT / "docs"
PAGES = sorted(SITE.rglob("*.md"))
TOP = sorted(ROOT.glob("*.md"))
PICTURES = sorted(SITE.rglob("*.svg"))
SCREENS = ("dataset", "layers", "train", "runs", "results", "predict", "audit", "sweep", "review")
LINK = re.compile(r"\]\((?P<to>[^)#\s]+)(?:#[^)\s]*)?\)")


def name(path: Path) -> str:
    """A page's path under the project."""
    return path.relative_to(ROOT).as_posix()


def built(page: str) -> str:
    """A page of the site with what is written from the code."""
    return reference.filled((SITE / page).read_text(encoding="utf-8"))


def flags(verb: str) -> set[str]:
    """All flags of a verb, by every name."""
    return {
        flag for one in reference.arguments(verb) if one.show for flag in one.names if not reference.position(one)
    } | {"--help"}


def test_every_verb_and_every_flag_of_it_is_in_the_reference() -> None:
    verbs, recipe = built("reference/verbs.md"), built("reference/recipe.md")
    for verb in reference.verbs():
        section = verbs.split(f"\n## {verb}\n")[1].split("\n## ")[0]
        fields = {field.name for group in reference.groups(verb) for field in dataclasses.fields(group)}
        for flag in flags(verb) - {"--help"}:
            in_recipe = flag.removeprefix("--no-").lstrip("-").replace("-", "_") in fields and f"`{flag}`" in recipe
            assert f"`{flag}`" in section or in_recipe, f"{verb} {flag}"


def test_the_reference_names_every_part_of_the_recipe_that_a_verb_takes() -> None:
    verbs = built("reference/verbs.md")
    assert "(recipe.md#network)" in verbs.split("\n## layers\n")[1].split("\n## ")[0]
    assert "(recipe.md#sweep)" in verbs.split("\n## sweep\n")[1].split("\n## ")[0]


def test_every_field_of_a_recipe_stands_with_its_help() -> None:
    page = built("reference/recipe.md")
    for tree in reference.TREES:
        for part in reference.parts(tree):
            section = page.split(f"\n## {part.name}\n")[1].split("\n## ")[0]
            for field in part.fields:
                row = next(line for line in section.splitlines() if line.startswith(f"| `{field.name}` |"))
                assert field.flag in row and len(row.split(" | ")[-1]) > 10, field.name


def test_every_event_stands_with_its_fields() -> None:
    page = built("reference/events.md")
    for kind in reference.events.KINDS.values():
        section = page.split(f"\n### {kind.kind}\n")[1].split("\n### ")[0]
        for field in dataclasses.fields(kind):
            assert f"| `{field.name}` |" in section, f"{kind.kind}.{field.name}"


def test_every_key_that_can_be_set_is_listed_and_those_of_a_screen_on_its_page_too() -> None:
    page, keys = built("reference/keys.md"), reference.bindings()
    assert {"train.stop", "open.sweep", "app.help"} <= keys.keys()
    for key in keys:
        assert f"| `{key}` |" in page, key
        if key.split(".")[0] in SCREENS:
            assert f"| `{key}` |" in built(f"screens/{key.split('.')[0]}.md"), key


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_has_a_page_with_its_picture(screen: str) -> None:
    assert f"({screen}.svg)" in (SITE / "screens" / f"{screen}.md").read_text(encoding="utf-8")
    assert (SITE / "screens" / f"{screen}.svg").is_file()


@pytest.mark.parametrize("page", [*TOP, *PAGES], ids=name)
def test_the_commands_on_a_page_use_verbs_and_flags_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    anywhere = {flag for verb in reference.verbs() for flag in flags(verb)}
    for line in re.findall(r"covid-tui ([^`\n]+)", text):
        words = line.split("#")[0].replace(",", " ").split()
        verb = words[0].lstrip("-") if words else ""
        known = flags(verb) if verb in reference.verbs() else anywhere
        for word in words:
            flag = word.strip("[].);:\\").split("=")[0]
            if flag.startswith("--") and flag.lstrip("-") != verb:
                assert flag in known | {"--version", "--image-protocol", "--unicode"}, line


def test_the_check_of_commands_sees_a_flag_that_there_is_not() -> None:
    assert "--epochs" in flags("train") and "--epochs" not in flags("predict") and "--botch" not in flags("train")


@pytest.mark.parametrize("page", [*TOP, *PAGES], ids=name)
def test_links_between_the_papers_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", link["to"]):
            assert (page.parent / link["to"]).exists(), link["to"]


@pytest.mark.parametrize("picture", PICTURES, ids=name)
def test_a_picture_fetches_nothing(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert not re.search(r"""url\(["']?https?:|(?:href|src)=["']https?:|@import|<script""", text)


def test_the_map_shows_the_house_as_it_is() -> None:
    tree = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## The tree\n\n```\n")[1].split("```")[0]
    above, shown = list[str](), set[str]()
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        for word in itertools.takewhile(re.compile(r"\w+(?:/|\.py|\.tcss)").fullmatch, line.split()):
            path = "/".join([*above[:depth], word.rstrip("/")])
            assert (ROOT / path).exists(), path
            if word.endswith("/"):
                above, shown = [*above[:depth], word.rstrip("/")], {*shown, path}
    for package in ("engine", "tui"):
        for room in (ROOT / package).iterdir():
            if (room / "__init__.py").is_file():
                assert f"{package}/{room.name}" in shown, room


def test_the_moving_picture_is_small() -> None:
    assert 10_000 < (SITE / "tour.svg").stat().st_size < 300_000


@pytest.mark.parametrize(
    "html", ['<script src="https://x/y.js">', '<link rel="stylesheet" href="https://x/y.css">', "<img src=//x/y>"]
)
def test_a_page_that_would_load_something_from_elsewhere_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="from the network"):
        reference.require_self_contained(html, "page.md")


def test_a_page_may_link_to_elsewhere() -> None:
    html = '<a href="https://x/y"><img src="tour.svg"><link href="extra.css"><script src="x.js">'
    assert reference.require_self_contained(html, "page.md") == html


def test_the_readme_names_the_tests_and_what_it_is_not_for() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in text and "not for diagnosis" in text and len(text.split()) < 900
