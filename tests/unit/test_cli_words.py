"""The command line's pure parts: flags, parameters, times, exit codes."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskyard.agent.machine import gpus
from taskyard.agent.machine.gpus import Gpu
from taskyard.agent.options import Options
from taskyard.api import errors
from taskyard.api.errors import ApiError, TaskyardError
from taskyard.cli import agent, agent_flags, change, logs, output, target, up
from taskyard.cli.commands import ALIASES, COMMANDS, GROUPS
from taskyard.cli.failure import WrongUsage, exit_code, missing_extra
from taskyard.cli.main import Parser, main
from taskyard.client.http import ServerUnreachable
from taskyard.server.settings import Settings


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="taskyard agent")
    agent.agent_arguments(parser)
    return parser.parse_args(["daemon", *words])


@pytest.mark.parametrize(
    "words",
    [
        "--queue a b --create-queue --order-fairness",
        "--gpus 0,1",
        "--gpus 0-3",
        "--gpus all",
        "--gpus none",
        "--cpu-only --foreground",
        "--detached",
        "-d --queue a",
        "--docker nvidia/cuda --podman",
        "--services-mode",
        "--services-mode 3",
        "--dynamic-gpus --standalone-mode",
        "--polling-interval 5",
        "--child-report-tags one two",
        "--uptime 17-20 --downtime 8-12",
        "--uptime 8-20 MON-FRI",
        "--dynamic-gpus --gpus 0-7 --queue quad=4 dual=2 any=1-4",
        "--status",
        "--stop",
        "--stop host:0",
        "--use-owner-token",
        "--git-user me --git-pass secret",
        "--log-level DEBUG --config-file clearml.conf",
    ],
)
def test_the_flags_of_the_vendors_daemon_are_known(words: str) -> None:
    parsed(*words.split())


def test_a_flag_that_cannot_be_honoured_is_refused() -> None:
    with pytest.raises(TaskyardError, match=r"no owner tokens \(--use-owner-token\)"):
        agent.agent_command(parsed("--use-owner-token"))


@pytest.mark.parametrize(
    ("words", "suffix"),
    [
        ("", ""),
        ("--gpus 0-2", "gpu0,1,2"),
        ("--gpus all", ""),
        ("--gpus 0 --cpu-only", ""),
        ("--services-mode 3", "services"),
        ("--dynamic-gpus --gpus 0-3", "dgpu0-3"),
    ],
)
def test_a_worker_is_named_after_what_it_has(words: str, suffix: str) -> None:
    assert agent_flags.suffix(parsed(*words.split())) == suffix


@pytest.mark.parametrize(
    "words",
    ["--dynamic-gpus --services-mode", "--dynamic-gpus --cpu-only", "--dynamic-gpus --gpus none"],
)
def test_flags_that_exclude_each_other_are_refused(words: str) -> None:
    with pytest.raises(WrongUsage):
        agent_flags.check(parsed(*words.split()))


def options(monkeypatch: pytest.MonkeyPatch, words: str, *, cards: int = 0) -> Options:
    present = [Gpu(index=n, uuid=f"GPU-{n}", name="H", memory=1.0) for n in range(cards)]
    monkeypatch.setattr(gpus, "list_gpus", lambda: present)
    return agent_flags.options(parsed(*words.split()), Path("/data"))


def test_an_agent_without_flags_leaves_tasks_all_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options(monkeypatch, "", cards=2).cards is None


def test_an_agent_for_processors_only_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options(monkeypatch, "--cpu-only --gpus 0", cards=2).cards == []


def test_dynamic_gpus_are_all_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = options(monkeypatch, "--dynamic-gpus --queue a=2 b=0.5", cards=3)
    assert len(found.cards or []) == 3
    assert (found.queues, found.at_once) == (["a", "b"], 0)


def test_a_queue_that_needs_more_gpus_than_there_are_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(TaskyardError, match="each task of a is to get 4 GPUs, and the agent has 2"):
        options(monkeypatch, "--dynamic-gpus --queue a=4", cards=2)


def test_an_equals_sign_is_part_of_a_name_where_gpus_are_not_shared_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert options(monkeypatch, "--queue a=4").queues == ["a=4"]


def test_settings_are_names_and_values() -> None:
    assert target.parse_settings(["lr=0.1", "query=a=b", "empty="]) == {
        "lr": "0.1",
        "query": "a=b",
        "empty": "",
    }
    with pytest.raises(TaskyardError, match="'lr' is not of the form name=value"):
        target.parse_settings(["lr"])


KNOWN: dict[str, dict[str, Any]] = {
    "Args": {"lr": {}},
    "Net": {"layers": {}, "lr": {}},
    "Other": {"layers": {}, "a/b": {}},
}


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("lr", ("Args", "lr")),
        ("Net/lr", ("Net", "lr")),
        ("new", ("Args", "new")),
        ("Args/new", ("Args", "new")),
        ("a/b", ("Other", "a/b")),
        ("optim/lr", ("Args", "optim/lr")),
    ],
)
def test_a_parameter_is_found_in_its_section(word: str, place: tuple[str, str]) -> None:
    assert change.place_of(word, KNOWN) == place


def test_a_parameter_of_several_sections_wants_to_be_named_in_full() -> None:
    with pytest.raises(TaskyardError) as caught:
        change.place_of("layers", KNOWN)
    assert "--set Net/layers=... or --set Other/layers=..." in caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0s"),
        (59.9, "59s"),
        (124, "2m 04s"),
        (50_520, "14h 02m"),
        (90_000, "1d 01h"),
    ],
)
def test_durations_have_two_units_at_the_most(seconds: float | None, text: str) -> None:
    assert output.duration(seconds) == text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TaskyardError("no"), 1),
        (WrongUsage("no"), 2),
        (ApiError(errors.VALIDATION), 1),
        (ApiError(errors.SERVER_FAULT), 1),
        (ApiError(errors.INVALID_TASK_ID), 3),
        (ApiError(errors.NO_SUCH_ENDPOINT), 3),
        (ApiError(errors.INVALID_CREDENTIALS), 4),
        (ApiError(errors.FORBIDDEN), 4),
        (ApiError(errors.INVALID_TASK_STATUS), 5),
        (ServerUnreachable("away"), 6),
        (ApiError(errors.STORE_UNAVAILABLE), 6),
    ],
)
def test_errors_have_documented_exit_codes(error: TaskyardError, code: int) -> None:
    assert exit_code(error) == code


def test_an_unknown_command_is_guessed_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enqeue"]) == 2
    assert "did you mean: enqueue" in capsys.readouterr().err


def test_the_noun_form_is_the_same_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "version"]) == 0
    assert capsys.readouterr().out.startswith("taskyard ")


def test_the_overview_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    shown = capsys.readouterr().out
    listed = {name for _, names in GROUPS for name in names}
    assert listed | {"version"} == set(COMMANDS)
    assert all(f"  {name} " in shown for name in listed)
    assert set(ALIASES.values()) <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"taskyard {name}" in capsys.readouterr().out


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """It and those of its verbs."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from parsers(verb)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_argument_has_help(name: str) -> None:
    parser = Parser(prog=name)
    module = importlib.import_module(f"taskyard.cli.{COMMANDS[name].module}")
    getattr(module, f"{name}_arguments")(parser)
    silent = [
        action.option_strings or action.metavar
        for each in parsers(parser)
        for action in each._actions
        if not action.help and not isinstance(action, argparse._SubParsersAction)
    ]
    assert silent == []


CHANGING = [
    *dict(GROUPS)["Submit"],
    *dict(GROUPS)["Change"],
    *(f"queue {verb}" for verb in ("create", "clear", "delete", "pause", "resume", "rename")),
    *(f"worker {verb}" for verb in ("pause", "resume", "drain", "stop")),
    *(f"project {verb}" for verb in ("create", "rename", "delete")),
    "task enqueue",
]


@pytest.mark.parametrize("words", CHANGING)
def test_what_changes_something_can_be_tried(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*words.split(), "--help"])
    assert "--dry-run" in capsys.readouterr().out


def test_rows_are_printed_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    form = argparse.Namespace(output="yaml", quiet=False, json=None, format=None)
    output.show_rows([{"id": "ü", "tags": ["a"], "age": None}], ["id"], form)
    assert capsys.readouterr().out == "- id: ü\n  tags:\n  - a\n  age: null\n"


def test_a_missing_package_is_said_to_be_an_extra() -> None:
    missing = missing_extra("psycopg")
    assert missing is not None
    assert "PostgreSQL needs the package psycopg" in missing.what
    assert "[postgres]" in (missing.hint or "")
    assert missing_extra("something_of_ours") is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), "--host 0.0.0.0"),
        (Settings(host="::1"), "--host 0.0.0.0"),
        (Settings(host="10.0.0.7", port=80), "taskyard init http://10.0.0.7:80"),
        (Settings(public_url="https://yard.example"), "taskyard init https://yard.example"),
    ],
)
def test_the_greeting_gives_other_machines_an_address_they_can_reach(
    settings: Settings, words: str
) -> None:
    assert words in up._banner(settings, [], with_agent=False)


def test_no_machine_is_told_to_reach_another_at_its_own_loopback() -> None:
    assert "init http://127" not in up._banner(Settings(host="0.0.0.0"), [], with_agent=False)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("90", 910.0), ("90s", 910.0), ("5m", 700.0), ("1970-01-01T00:10+00:00", 600.0)],
)
def test_times_as_people_say_them(words: str, seconds: float) -> None:
    assert logs.moment(words, 1000.0) == seconds * 1000


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(WrongUsage, match="'yesterday' is no time"):
        logs.moment("yesterday", 0)
