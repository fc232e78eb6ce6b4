"""What a follower tells the server of a run that has ended, and in how many calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from taskyard.agent.executors import Observation
from taskyard.agent.follower import CHUNK, Follower
from taskyard.agent.run import folder as folders
from taskyard.agent.run import standing
from taskyard.agent.run.spec import (
    CONSOLE,
    DELIVERED,
    Outcome,
    PhaseState,
    RunSpec,
    RunState,
    Secrets,
)
from taskyard.agent.sessions import Sessions
from taskyard.api.attempts import Finish, FinishResponse, Report, ReportResponse
from taskyard.api.errors import VALIDATION, ApiError
from tests.beds.waiting import until


class Server:
    """In place of sessions, and of the only one: keeps what is told, and may refuse."""

    def __init__(self, kept: int = 0, refusals: int = 0) -> None:
        self.told: list[Report | Finish] = []
        self.text = "?" * kept
        self._refusals = refusals

    def call(self, request: Report | Finish, _answer: type[Any]) -> ReportResponse | FinishResponse:
        self.told.append(request)
        if isinstance(request, Report):
            self._keep(request)
            return ReportResponse(console=len(self.text))
        if request.last and self._refusals:
            self._refusals -= 1
            raise ApiError(VALIDATION)
        if request.last:
            self._keep(request.last)
        return FinishResponse(status="completed", next="done")

    def _keep(self, report: Report) -> None:
        if report.console and report.console.offset == len(self.text):
            self.text += report.console.text

    def borrow(self) -> Server:
        return self

    def give_back(self, _session: Server) -> None:
        pass


class Ended:
    """In place of an executor: its runs have ended."""

    def poll(self, folder: Path) -> Observation:
        how, facts = standing.look(folder)
        return Observation(standing=how, state=facts.state)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = folders.create(tmp_path, RunSpec(task="task", attempt=1, cache=""), Secrets())
    (made / CONSOLE).write_text("one\ntwo\n")
    phases = [PhaseState(name="launch", started=1.0, ended=2.0)]
    folders.write_state(made, RunState(phases=phases, supervisor=1, outcome=Outcome()))
    return made


def follow(folder: Path, server: Server, sent: int | None = 0) -> list[str]:
    """Follow a run to its end; the kinds of calls that it took."""
    sessions, executor = cast(Sessions, server), cast(Any, Ended())
    follower = Follower(folder, sessions, executor, "worker", lambda: None, sent=sent)
    follower.start()
    until(lambda: follower.over, "the end of following")
    assert (folder / DELIVERED).exists()
    return [type(request).__name__ for request in server.told]


def test_a_short_run_is_told_in_one_call(folder: Path) -> None:
    server = Server()
    assert follow(folder, server) == ["Finish"]
    assert server.text == "one\ntwo\n"


def test_an_adopted_run_goes_on_where_the_server_is(folder: Path) -> None:
    server = Server(kept=4)
    assert follow(folder, server, sent=None) == ["Report", "Finish"]
    assert server.text == "????two\n"


def test_of_a_long_console_the_last_piece_goes_with_the_end(folder: Path) -> None:
    text = "a line of twenty-one\n" * (CHUNK // 10)
    (folder / CONSOLE).write_text(text)
    server = Server()
    assert follow(folder, server) == ["Report"] * (len(text) // CHUNK) + ["Finish"]
    assert server.text == text


def test_a_last_report_that_is_refused_is_sent_apart_from_the_end(folder: Path) -> None:
    server = Server(refusals=1)
    kinds = follow(folder, server)
    assert (kinds[0], kinds[-1]) == ("Finish", "Finish")
    assert cast(Finish, server.told[-1]).last is None
    assert server.text == "one\ntwo\n"
