"""The flags of ``agent execute`` and ``agent build``: those of clearml-agent, and their meaning."""

from __future__ import annotations

import argparse

import pytest

from taskyard.api.errors import TaskyardError
from taskyard.cli import agent, machine
from taskyard.cli.main import Parser


def parsed(words: str) -> argparse.Namespace:
    parser = Parser(prog="taskyard agent")
    agent.agent_arguments(parser)
    return parser.parse_args(words.split())


@pytest.mark.parametrize(
    "words",
    [
        "--clone",
        "--require-queue",
        "--log-file out.txt",
        "--disable-monitoring",
        "--full-monitoring",
        "--standalone-mode",
        "--gpus 0,1 --git-user ada --git-pass x --git-host h --log-level DEBUG --cpu-only",
        "--docker image",
    ],
)
def test_flags_of_execute_are_known(words: str) -> None:
    assert parsed(f"execute --id T {words}").id == "T"


@pytest.mark.parametrize(
    "words", ["--target folder", "--install-globally", "--python-version 3.11", "--docker"]
)
def test_flags_of_build_are_known(words: str) -> None:
    assert parsed(f"build --id T {words}").id == "T"


def test_a_container_is_refused_rather_than_left_out() -> None:
    with pytest.raises(TaskyardError, match="makes no containers"):
        machine.refuse_containers(parsed("execute --id T --docker image"))
