"""Help in docstrings is told piece by piece, and put together again as the flag library reads it."""

import ast

from docstring_parser import parse

from tui.words.docstrings import of_verbs, taken_apart

TEXT = """Say what a folder holds: classes,
    sources and problems.

    Nothing is written,
    whatever is found.

    Parameters
    ----------
    data
        Folder of X-rays: one with
        class folders.
    group_by
        What tells a patient.
    """


def test_a_docstring_is_paragraphs_and_parameters_of_one_line_each() -> None:
    found = taken_apart(TEXT)
    assert found.paragraphs == (
        "Say what a folder holds: classes, sources and problems.", "Nothing is written, whatever is found.",
    )  # fmt: skip
    assert found.parameters == {
        "data": "Folder of X-rays: one with class folders.", "group_by": "What tells a patient.",
    }  # fmt: skip
    assert found.messages == (*found.paragraphs, *found.parameters.values())


def test_put_together_again_it_is_read_as_before() -> None:
    before, after = parse(taken_apart(TEXT).translated()), taken_apart(TEXT)
    assert before.short_description == after.paragraphs[0] and before.long_description == after.paragraphs[1]
    assert {one.arg_name: one.description for one in before.params} == after.parameters


def test_the_help_of_a_verb_alone_is_taken() -> None:
    module = ast.parse(f'"""A verb."""\ndef scan():\n    """{TEXT}"""\ndef helper():\n    """What helps."""\n')
    assert of_verbs(module) == [taken_apart(TEXT)]
