"""Questions in lines: answers that are explained, taken back, asked again; and what is open, known and kept."""

import shutil
from pathlib import Path

from engine.recipe import toml
from engine.recipe.config import TrainConfig
from tests.conftest import SAMPLE
from tests.makers.talk import DRAWN, NEXT, Begin
from tui.words.settings import load


def test_an_answer_is_explained_refused_in_a_sentence_and_gone_back_from(begin: Begin) -> None:
    talk = begin()
    talk.answer(NEXT, "")
    talk.answer("Type one of the numbers", "x9")
    talk.answer("There is no answer x9", 4)
    talk.answer("Which group", "?")
    talk.told("What is not changed is as usual")
    talk.answer("0, or enter alone, goes back", "")
    talk.answer(NEXT, 6)
    talk.answer("Path of an image", "?")
    talk.answer("stands in quotes", "nowhere.png")
    talk.answer("There is no nowhere.png", "")
    talk.answer(NEXT, 2)
    talk.told("Open a folder first")
    assert talk.leave() == 0
    assert not DRAWN.search(talk.shown)


def test_a_folder_is_opened_by_its_path_and_another_time_by_a_number(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for label in ("COVID", "Normal"):
        (tmp_path / "own" / label).mkdir(parents=True)
        for image in sorted((SAMPLE / label / "images").iterdir())[:3]:
            shutil.copy(image, tmp_path / "own" / label)
    talk = begin()
    talk.answer(NEXT, 1)
    talk.answer("2 The sample, drawn X-rays: ", 1)
    talk.answer("Path of the folder", tmp_path / "nowhere")
    talk.answer("is no folder", tmp_path / "own")
    talk.answer("own. What next", 1)
    talk.answer("3 Again: ", 1)
    talk.answer("Path of the folder", tmp_path / "empty")
    talk.told("The folder that was open stays")
    talk.told("own. What next")
    assert talk.leave() == 0
    talk = begin()
    talk.answer(f"Folder: none. {NEXT}", 1)
    talk.answer("3 Again: ", 3)
    talk.told("own. What next")
    assert talk.leave() == 0


def test_a_recipe_is_changed_saved_and_loaded_and_no_sentence_names_a_flag(begin: Begin, tmp_path: Path) -> None:
    talk = begin()
    talk.answer(NEXT, 4)
    talk.answer("Which group", 2)
    talk.answer("test share: 0.1", 3)
    talk.answer("New value", "many")
    talk.told('test share" is "many": give a number')
    talk.answer("New value", "2")
    talk.answer("New value", "0.3")
    talk.answer("Which group", 9)
    talk.answer("to which file", tmp_path / "mine.toml")
    talk.told("Saved")
    saved = toml.load(tmp_path / "mine.toml", lambda _: None)
    assert saved.data.test_share == 0.3
    talk.answer("Which group", 9)
    talk.answer("to which file", tmp_path / "mine.toml")
    talk.answer("1 Keep it", 1)
    toml.save(TrainConfig(), tmp_path / "other.toml")
    talk.answer("Which group", 10)
    talk.answer("of which file", tmp_path / "nowhere.toml")
    talk.answer("can't be read", tmp_path / "other.toml")
    talk.told("The recipe of the next training is report, as usual")
    talk.answer("Which group", 11)
    talk.told("The recipe of the next training is auto, test share 0.3")
    talk.answer("Which group", 11)
    talk.told("The recipe of the next training is auto, as usual")
    talk.answer("Which group", 11)
    talk.told("Nothing to undo")
    assert talk.leave() == 0
    assert "--" not in talk.shown.replace("covid-tui --train DATA --config", "")


def test_a_setting_is_kept_and_the_next_time_speaks_the_language(begin: Begin, tmp_path: Path) -> None:
    talk = begin(language="")
    talk.answer(NEXT, 14)
    talk.answer("1 Language: the system's", 1)
    talk.answer("Which value", 3)
    talk.told("from the next start on")
    talk.answer("1 Language: 繁體中文", 4)
    talk.answer("Which value", 2)
    assert talk.leave() == 0
    kept = load(tmp_path / "config" / "covid-tui" / "config.toml")
    assert (kept.language, kept.unicode) == ("zh_TW", True)
    talk = begin(language="")
    talk.told("接下來")
    assert talk.leave() == 0


def test_a_word_is_explained(begin: Begin) -> None:
    talk = begin()
    talk.answer(NEXT, 15)
    talk.answer("Which word", "prevalence")
    talk.told("prevalence: How many of those who are examined have it")
    talk.answer("Which word", "horse")
    talk.told("horse is not among the words")
    assert talk.leave() == 0
