"""Where a run is in its life, by what its folder and the kernel say."""

from __future__ import annotations

import pytest

from taskyard.agent.run.spec import Exit, Outcome, Process, RunState
from taskyard.agent.run.standing import Facts, Standing, judge

PROCESS = Process(boot_id="now", keeper=10, keeper_start=1.0, pid=11, pid_start=1.0)
GONE = Exit(code=0, ended=0.0)


def standing(
    *,
    supervisor: int = 9,
    boot_id: str = "now",
    outcome: Outcome | None = None,
    process: Process | None = PROCESS,
    exit: Exit | None = None,
    supervised: bool = False,
    kept: bool = False,
) -> Standing:
    state = RunState(supervisor=supervisor, boot_id=boot_id, outcome=outcome)
    return judge(
        Facts(
            state=state,
            process=process,
            exit=exit,
            boot_id="now",
            supervised=supervised,
            kept=kept,
        )
    )


def test_a_folder_without_a_supervisor_is_new() -> None:
    assert standing(supervisor=0, boot_id="", process=None) == Standing.NEW


def test_an_outcome_ends_all_questions() -> None:
    assert standing(outcome=Outcome(), kept=True, boot_id="before") == Standing.ENDED


def test_a_living_supervisor_watches() -> None:
    assert standing(supervised=True) == Standing.WATCHED


def test_a_living_process_without_supervisor_is_an_orphan() -> None:
    assert standing(kept=True) == Standing.ORPHANED


def test_a_known_exit_without_supervisor_is_unreported() -> None:
    assert standing(exit=GONE) == Standing.UNREPORTED


def test_what_a_process_left_running_makes_it_an_orphan_still() -> None:
    assert standing(exit=GONE, kept=True) == Standing.ORPHANED


def test_nothing_alive_and_nothing_known_is_lost() -> None:
    assert standing() == Standing.LOST


@pytest.mark.parametrize(("supervised", "kept"), [(True, True), (True, False), (False, True)])
def test_after_a_restart_of_the_machine_no_process_is_taken_for_ours(
    supervised: bool, kept: bool
) -> None:
    found = standing(boot_id="before", supervised=supervised, kept=kept)
    assert found == Standing.REBOOTED


def test_an_exit_from_before_the_restart_counts() -> None:
    assert standing(boot_id="before", exit=GONE) == Standing.UNREPORTED
