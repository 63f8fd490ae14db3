"""All text that people read is in each language that is offered: no message is missed, lost, or lacks its values."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from engine.base.language import CATALOGUES, LANGUAGES, chosen
from tests.conftest import SAMPLE, Start
from tests.makers import pseudo
from tests.makers.many import commands
from tests.makers.shown import RUNS
from tests.makers.unmarked import unmarked
from translations.__main__ import load, source, template, untranslated, updated
from translations.messages import collected, sources
from tui.cli.commands import VERBS

OTHERS = sorted(LANGUAGES.keys() - {"en"})
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*|`[^`]*`")

OF_CODE = {
    "engine/auto/folds.py": {"The least populated class"},
    "engine/base/engines.py": {"ncnn {}", "keras, image by image"},
    "engine/base/runtime.py": {"{} x{}, tensorflow {}", "model name"},
    "engine/base/typed_files.py": {"of length "},
    "engine/data/confounding.py": {"{} bit", "level {}"},
    "engine/data/folders/tree.py": {"leads out", "lung masks"},
    "engine/data/image/memory_budget.py": {"{} MB are more than the {} MB that a picture may take"},
    "engine/data/image/modes.py": {"grey with alpha"},
    "engine/data/image/reader.py": {"Raw profile type exif"},
    "engine/data/split.py": {"patient number", "no test part", "unknown {}"},
    "engine/data/tables.py": {"not available"},
    "engine/evaluation/external.py": {"macro {}"},
    "engine/evaluation/predictions_table.py": {"not checked", "uncalibrated {}"},
    "engine/network/engine_choice.py": {"{}, tensorflow {}, {}, {}"},
    "engine/network/ncnn_network.py": {
        "Input {} 0 1 {} 0={} 1={} 2={}", "Convolution {} 0={} 1=3 4=1 5=1 6={} 9=1", "Pooling {} 0=0 1=2 2=2",
    },
    "engine/report/facts.py": {"no test part"},
    "engine/sweep/points.py": {"lr {}"},
    "engine/training/ahead.py": {"first layer", "no room"},
    "engine/training/batches.py": {"new views"},
    "engine/training/cache_policy.py": {"first layer", "no room", "new views"},
    "tui/cli/browser.py": {"from tui.cli import main; main()"},
    "tui/cli/commands/doctor.py": {"deleted runs"},
    "tui/host/private_apis.py": {"not bold"},
    "tui/screens/dataset/folder_dialog.py": {"folders {}", "dialog large"},
    "tui/screens/dataset/split_dialog.py": {"dialog large"},
    "tui/screens/predict/history.py": {"class {}"},
    "tui/screens/review/screen.py": {"pane neighbour"},
    "tui/screens/settings_dialog.py": {"dialog large"},
    "tui/screens/train/lr_dialog.py": {"dialog wide"},
    "tui/screens/train/schedule_dialog.py": {"dialog wide"},
    "tui/widgets/table_dialog.py": {"dialog large"},
}  # fmt: skip
"""Texts that no person reads, or none as they are: keys of files, codes, classes of widgets, names in formats."""
LONG = {
    "tui/cli/browser.py", "engine/report/checklist/claim.py", "engine/report/checklist/probast_ai.py",
    "engine/report/checklist/tripod_ai.py",
}  # fmt: skip
"""Whose long texts are parts of pages, or the source of a list as it was published."""
PLAIN = re.compile(r"(?<![\w/.=_-])[A-Za-z]{3,}(?![\w/.=_])")
HELP = ("train", "predict", "sweep", "review")
NAMES = """
auto STR CHOICE FLOAT PATH INT False float True OPTIONS DATA RUN ARGS FIRST SECOND PATHS FILE NAME COMMAND covid COVID
Viral Pneumonia Normal Lung Opacity PNG synthetic vgg imagenet resnet mobilenetv efficientnetb densenet bfloat ncnn
keras transfer finetune partial probe head none mirror balanced youden claim tripod probast names sensitivity costs
specificity AUC MCC off
"""
"""Names of ours, of files and of networks, and types of values, which are the same in every language."""


def values(text: str) -> list[str]:
    """The values in braces, each with its format; none in a text that is no such pattern."""
    return sorted(f"{name}!{how}:{form}" for _, name, form, how in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_of_the_code_is_translated(language: str) -> None:
    assert untranslated(updated(language)) == [], "`make translations` collects them; the .po file wants them"


@pytest.mark.parametrize("language", OTHERS)
def test_the_kept_file_has_the_messages_of_the_code_and_no_others(language: str) -> None:
    kept = {(message.context, message.id) for message in load(language) if message.id}
    assert kept == {(message.context, message.id) for message in template() if message.id}


def pairs(language: str) -> Iterator[tuple[Message, str, str]]:
    """Each message of a language with its English, the plural where it has one, and the translation."""
    for message in load(language):
        texts = message.id if isinstance(message.id, (tuple, list)) else [str(message.id)]
        strings = message.string if isinstance(message.string, (tuple, list)) else [str(message.string or "")]
        if message.id:
            yield from ((message, texts[-1], string) for string in strings)


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_kept(language: str) -> None:
    with (CATALOGUES / f"{language}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert source(language).exists()
    for message, text, string in pairs(language):
        if not isinstance(message.id, (tuple, list)):
            assert compiled.gettext(text) == string
        elif message.context:
            assert compiled.npgettext(message.context, message.id[0], text, 2) == string
        else:
            assert compiled.ngettext(message.id[0], text, 2) == string


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_values_and_the_flags(language: str) -> None:
    wrong = []
    for message, text, string in pairs(language):
        same = values(text) == values(string) and set(FLAG.findall(text)) == set(FLAG.findall(string))
        if not same and not message.context:
            wrong.append((text, string))
    assert wrong == []


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_TW"),
        ({"LANG": "zh_HK"}, "zh_TW"),
        ({"LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh_TW"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "de:zh_TW:en"}, "zh_TW"),
        ({"LANG": "zh_TW.UTF-8", "COVID_TUI_LANGUAGE": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "COVID_TUI_LANGUAGE": "zh-Hant"}, "zh_TW"),
        ({"COVID_TUI_LANGUAGE": "tlh"}, "en"),
        ({"COVID_TUI_LANGUAGE": "/home/me/mine.mo"}, "/home/me/mine.mo"),
    ],
)
def test_the_language_is_that_of_the_setting_or_else_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert chosen(environment) == language


def test_no_text_for_people_is_left_out_of_the_messages() -> None:
    """A text that is a message elsewhere is a code, translated where it is shown."""
    known = {text for message in collected() for text in (message.text, message.several)}
    found = [
        f"{file}:{line}: {text}"
        for file, tree in sources()
        for line, text in unmarked(tree)
        if text not in known | OF_CODE.get(file, set()) and not (file in LONG and len(text) > 80)
    ]
    assert found == []


def test_the_finder_finds() -> None:
    code = 'def f(n):\n    """Some words."""\n    say(f"There are {n} of them.")\n    say(tr("There are some."))\n'
    assert [text for _, text in unmarked(ast.parse(code))] == ["There are {} of them."]


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The made-up language, as COVID_TUI_LANGUAGE names it."""
    return str(pseudo.write(tmp_path_factory.mktemp("strange") / "strange.mo"))


def test_commands_and_their_help_say_nothing_that_is_not_translated(start: Start, strange: str, tmp_path: Path) -> None:
    told = [*((verb, "--help") for verb in HELP), ("scan", SAMPLE), ("runs", "--out", RUNS),
            ("evaluate", "partial-vgg16", "--out", RUNS)]  # fmt: skip
    wrong: list[tuple[object, ...]] = [("train",), ("scan", "--bogus")]
    environment = {"COVID_TUI_LANGUAGE": strange, "COLUMNS": "200"}
    answers = commands(*told, *wrong, cwd=tmp_path, environment=environment, start=start)
    said = [answer.stdout for answer in answers[: len(told)]] + [answer.stderr for answer in answers[len(told) :]]
    assert all(any(letter in text for letter in pseudo.STRANGE) for text in said)
    assert {word for text in said for word in PLAIN.findall(text)} - {*NAMES.split(), *VERBS} == set()
