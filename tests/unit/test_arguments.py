"""Command lines as templates: what went in comes out, and a changed value changes only itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api import arguments

words = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["--lr", "-v", "--a-b", "--", "0.1", "-1", "-5e-3", "k=v", "--x=1", "${a/b}"]
        ),
        st.from_regex(r"--?[a-z]{1,3}(=[a-z${}/]{0,4})?", fullmatch=True),
    ),
    max_size=8,
)


@given(words)
def test_an_unchanged_command_line_comes_back_word_for_word(line: list[str]) -> None:
    template, values = arguments.parse(line)
    assert arguments.fill(template, {"Args": values}) == line


@pytest.mark.parametrize(
    ("line", "name", "value", "expected"),
    [
        (["--lr", "0.1"], "lr", "0.2", ["--lr", "0.2"]),
        (["--lr=0.1"], "lr", "0.2", ["--lr=0.2"]),
        (["--lr", "-0.1"], "lr", "-3", ["--lr", "-3"]),
        (["--verbose"], "verbose", "false", []),
        (["in.csv"], "arg1", "other.csv", ["other.csv"]),
        (["model.depth=3"], "model.depth", "4", ["model.depth=4"]),
        (["--tag", "a", "--tag", "b"], "tag#2", "c", ["--tag", "a", "--tag", "c"]),
    ],
)
def test_a_changed_parameter_changes_its_own_words(
    line: list[str], name: str, value: str, expected: list[str]
) -> None:
    template, values = arguments.parse(line)
    assert name in values
    assert arguments.fill(template, {"Args": values | {name: value}}) == expected


def test_a_removed_parameter_takes_its_flag_along() -> None:
    template, values = arguments.parse(["--lr", "0.1", "--n", "3"])
    del values["lr"]
    assert arguments.fill(template, {"Args": values}) == ["--n", "3"]


def test_a_new_parameter_becomes_an_option() -> None:
    template = arguments.add([], "lr")
    assert arguments.names(template) == {"lr"}
    assert arguments.fill(template, {"Args": {"lr": "0.2"}}) == ["--lr", "0.2"]
