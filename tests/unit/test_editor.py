"""Parameters as text that a person edits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.cli.editor import parse, render
from taskyard.cli.failure import WrongUsage

NAMES = st.from_regex(r"\A[A-Za-z]\w*/[\w.\-]+\Z")
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.just("\n"))


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_shown_reads_back_as_it_was(settings: dict[str, str]) -> None:
    assert parse(render(settings)) == settings


def test_comments_and_empty_lines_are_no_settings() -> None:
    assert parse("# a word\n\nArgs/lr = 0.1\n") == {"Args/lr": "0.1"}


def test_a_line_that_is_no_setting_is_refused() -> None:
    with pytest.raises(WrongUsage, match="is not of the form name = value"):
        parse("Args/lr 0.1\n")
