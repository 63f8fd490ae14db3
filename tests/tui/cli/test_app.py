"""The command line walked as a whole: every verb and flag has its help, shells help to type, and the user's own
recipe is taken.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.base.errors import DataError
from engine.network.freezing import plan
from engine.recipe import toml
from tests.conftest import ROOT
from tests.makers.many import Answer
from tui.cli import app, run
from tui.cli.app import app as frame
from tui.words import settings

VERBS = tuple(name for name in app if not name.startswith("-"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_flag_of_a_verb_says_what_it_does(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # a flag's names and its text then stand on one line
    assert run([verb, "--help"]) == 0
    text = " ".join(re.sub("[│╭╮╰╯─]", "", capsys.readouterr().out).split())
    assert re.search(rf"Usage: covid-tui {verb} .*?[A-Z].{{20,}}", text), "the verb says what it does"
    for argument in frame[verb].assemble_argument_collection(parse_docstring=True):
        if argument.show:
            told = " ".join((argument.parameter.help or "").split())
            assert re.match(r"[A-Za-z\"].{10,}", told), f"{verb} {argument.name} has no help"
            assert told in text, f"{verb} {argument.name} does not show its help"


@pytest.mark.parametrize(
    "typed, completed",
    [
        (["tr"], {"train"}),
        (["train", "--mode", ""], {"transfer", "partial", "finetune"}),
        (["train", "--checkp"], {"--checkpoint-minutes"}),
        (["doctor", "--re"], {"--repair"}),
    ],
)
def test_bash_completes_verbs_flags_and_choices(
    typed: list[str], completed: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)
    drive = """
source "$1"; shift
COMP_WORDS=(covid-tui "$@"); COMP_CWORD=$#
function=$(complete -p covid-tui | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function covid-tui "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-c", drive, "bash", script, *typed], capture_output=True, text=True, check=True)
    assert completed <= set(done.stdout.split()) and not done.stderr
    assert all(word.startswith(typed[-1]) for word in done.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home directory, where the commands are typed."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.fixture
def command(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Runs a command in this process."""

    def answer(*arguments: object) -> Answer:
        capsys.readouterr()
        code = run([*map(str, arguments)])
        return Answer(code, *capsys.readouterr())

    return answer


def own_recipe(home: Path, text: str) -> None:
    """Let `text` be the user's config.toml."""
    (home / "covid-tui").mkdir()
    (home / "covid-tui" / "config.toml").write_text(text)


def test_the_users_recipe_is_taken_told_and_overruled(command: Callable[..., Answer], home: Path) -> None:
    own_recipe(home, "[recipe.fit]\nbatch = 7\nepochs = 4\n")
    done = command("train", home / "nowhere", "--epochs", "3")
    assert done.code == 3 and "config.toml: --batch 7." in done.stderr
    assert "--epochs" not in done.stderr
    assert "config.toml" not in command("scan", home / "nowhere").stderr


def test_an_audit_has_a_budget_of_its_own(command: Callable[..., Answer], home: Path) -> None:
    own_recipe(home, "[recipe.fit]\nbatch = 7\n[recipe.machine]\nseed = 5\n")
    done = command("audit", home / "nowhere")
    assert done.code == DataError.exit_code and "config.toml: --seed 5." in done.stderr


def test_a_sweep_has_a_budget_of_its_own(command: Callable[..., Answer], home: Path) -> None:
    own_recipe(home, '[recipe.choice]\nbudget = "1m"\n[recipe.machine]\nseed = 5\n')
    done = command("sweep", home / "nowhere", "--name", "s")
    assert done.code == DataError.exit_code and "config.toml: --seed 5." in done.stderr
    assert "--budget 1m" in command("train", home / "nowhere").stderr


def test_a_wrong_recipe_of_the_users_ends_a_headless_training_and_only_warns_the_workbench(
    command: Callable[..., Answer], home: Path
) -> None:
    own_recipe(home, "[recipe.fit]\nbotch = 7\n")
    done = command("train", ROOT / "sample_data")
    assert done.code == 2 and "config.toml" in done.stderr and "botch" in done.stderr
    found = settings.load(home / "covid-tui" / "config.toml")
    assert found.recipe == settings.Settings().recipe and "botch" in found.complaints[0]


def test_a_recipe_file_leaves_the_users_own_aside(command: Callable[..., Answer], home: Path) -> None:
    own_recipe(home, "[recipe.fit]\nbatch = 7\n")
    (home / "recipe.toml").write_text("[fit]\nepochs = 2\n")
    done = command("train", home / "nowhere", "--config", home / "recipe.toml")
    assert done.code == DataError.exit_code and "batch" not in done.stderr


def test_every_verb_looks_for_the_runs_where_the_users_recipe_has_them(
    command: Callable[..., Answer], home: Path
) -> None:
    mine = home / "mine"
    own_recipe(home, f'[recipe.output]\nout = "{mine}"\n')
    done = command("runs")
    assert f"There are no runs under {mine}" in done.stdout + done.stderr
    assert f"config.toml: --out {mine}." in done.stderr
    for arguments in (("attach", "x"), ("predict", "x.png"), ("evaluate", "x"), ("train", "--resume", "x")):
        assert f"under {mine}" in command(*arguments).stderr, arguments
    other = home / "other"
    done = command("runs", "--out", other)
    assert f"under {other}" in done.stdout + done.stderr and str(mine) not in done.stdout + done.stderr


def test_the_workbench_opens_the_users_own_folder_of_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_recipe(home, f'[recipe.output]\nout = "{home / "mine"}"\n')
    opened: list[object] = []

    def opening(data: object, out: object, *_: object) -> int:
        opened.append(out)
        return 0

    monkeypatch.setattr("tui.cli.workbench.open_workbench", opening)
    assert run([]) == run(["--out", "other"]) == 0
    assert opened == [home / "mine", Path("other")]


def test_a_wrong_recipe_of_the_users_is_told_where_only_the_runs_are_asked_for(
    command: Callable[..., Answer], home: Path
) -> None:
    own_recipe(home, "[recipe.fit]\nbotch = 7\n")
    done = command("runs")
    assert done.code == 0 and "botch" in done.stderr and "under runs" in done.stderr


def test_no_shell_is_needed_to_name_the_home_directory_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[recipe.output]\nout = "~/runs"\n')
    (tmp_path / "recipe.toml").write_text('[output]\nout = "~/runs"\n[data]\nsplit = "~/split.csv"\n')
    assert settings.load(tmp_path / "config.toml").recipe.output.out == Path.home() / "runs"
    found = toml.load(tmp_path / "recipe.toml", plan)
    assert (found.output.out, found.data.split) == (Path.home() / "runs", Path.home() / "split.csv")
    toml.save(found, tmp_path / "again.toml")
    assert toml.load(tmp_path / "again.toml", plan) == found
