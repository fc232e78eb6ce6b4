"""Which package manager makes an environment, and from which list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.agent.environments.choice import TAKES, Choice, Kind, choose
from taskyard.api.errors import Cause, RunError

KINDS: tuple[Kind, ...] = get_args(Kind)
LISTS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "nothing")

managers = st.sampled_from(sorted(TAKES))
nobody_or = st.just("") | managers
found = st.lists(st.sampled_from(LISTS), min_size=1, max_size=4) | st.just(["nothing"])


def _or_none(task: str, agent: str, lists: Sequence[Kind]) -> Choice | None:
    try:
        return choose(task, agent, lists)
    except RunError:
        return None


@given(nobody_or, nobody_or, found)
def test_the_manager_can_read_what_it_gets(task: str, agent: str, lists: list[Kind]) -> None:
    chosen = _or_none(task, agent, lists)
    assert chosen is None or lists[chosen.index] in TAKES[chosen.manager]


@given(managers, nobody_or, found)
def test_the_tasks_word_is_kept_or_refused(task: str, agent: str, lists: list[Kind]) -> None:
    chosen = _or_none(task, agent, lists)
    assert chosen is None or chosen.manager == task


@given(managers, nobody_or, found)
def test_the_task_is_refused_only_what_its_manager_cannot_read(
    task: str, agent: str, lists: list[Kind]
) -> None:
    refused = _or_none(task, agent, lists) is None
    assert refused == (not any(kind in TAKES[task] for kind in lists))


@given(managers, found)
def test_another_manager_than_the_agents_is_told(agent: str, lists: list[Kind]) -> None:
    chosen = _or_none("", agent, lists)
    assert chosen is None or chosen.manager == agent or agent in chosen.note


@given(managers, found)
def test_the_agents_manager_is_taken_where_it_can_read_anything(
    agent: str, lists: list[Kind]
) -> None:
    chosen = _or_none("", agent, lists)
    readable = any(kind in TAKES[agent] for kind in lists)
    assert not readable or (chosen is not None and chosen.manager == agent)


@given(nobody_or, nobody_or, found)
def test_a_manager_reads_the_first_list_it_can(task: str, agent: str, lists: list[Kind]) -> None:
    chosen = _or_none(task, agent, lists)
    if chosen is not None:
        before = lists[: chosen.index]
        assert not any(kind in TAKES[chosen.manager] for kind in before)


@given(nobody_or, nobody_or, found)
def test_a_list_that_is_left_aside_is_told(task: str, agent: str, lists: list[Kind]) -> None:
    chosen = _or_none(task, agent, lists)
    assert chosen is None or chosen.index == 0 or "cannot read" in chosen.note


@pytest.mark.parametrize(
    ("kind", "manager"),
    [
        ("list", "uv"),
        ("lock", "uv"),
        ("project", "uv"),
        ("poetry", "poetry"),
        ("conda", "conda"),
        ("nothing", "uv"),
    ],
)
def test_the_project_decides_when_nobody_else_does(kind: Kind, manager: str) -> None:
    assert choose("", "", [kind]) == Choice(manager, 0)


def test_a_refusal_is_a_failure_of_the_environment() -> None:
    with pytest.raises(RunError, match="`poetry` cannot build") as caught:
        choose("poetry", "", ["list"])
    assert caught.value.cause == Cause.ENVIRONMENT


def test_a_pipfile_alone_is_refused_with_a_way_out() -> None:
    with pytest.raises(RunError, match="Pipfile") as caught:
        choose("", "", ["pipenv"])
    assert "requirements.txt" in caught.value.hint


def test_a_pipfile_beside_a_list_is_left_aside() -> None:
    assert choose("", "", ["list", "pipenv"]).manager == "uv"
