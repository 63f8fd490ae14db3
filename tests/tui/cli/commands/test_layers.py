"""The verb `layers`: the same counts in its table, its sentence and its JSON."""

import json

import pytest

from tui.cli import run


def test_the_table_and_the_json_count_alike(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["layers", "--mode", "partial", "--unfreeze", "block5", "--classes", "3"]
    assert run([*flags, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["parameters"] == facts["trainable"] + facts["frozen"]
    assert sum(row["parameters"] for row in facts["layers"]) == facts["parameters"]
    assert sum(row["parameters"] for row in facts["layers"] if row["trains"]) == facts["trainable"]
    assert run(flags) == 0
    table = capsys.readouterr().out
    sentence = f"{facts['parameters']:,} parameters: {facts['trainable']:,} train, {facts['frozen']:,} are frozen."
    assert sentence in table and all(row["name"] in table for row in facts["layers"])


def test_fewer_than_two_classes_are_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["layers", "--classes", "1"]) == 2
    assert capsys.readouterr().err == "covid-tui: --classes is 1: give a whole number from 2.\n"
