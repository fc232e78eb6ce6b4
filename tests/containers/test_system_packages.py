"""Packages of an image's own system, which tasks ask for."""

from __future__ import annotations

from tests.containers.conftest import Yard

FINDS = "import shutil; print(shutil.which('hello'))"


def test_they_are_installed_before_the_code_runs(yard: Yard, busy: str) -> None:
    assert yard.run(FINDS, busy, system_packages="hello")[-1] == "/usr/bin/hello"


def test_one_that_is_not_there_ends_the_task_in_its_preparation(yard: Yard, busy: str) -> None:
    task = yard.submit(FINDS, busy, system_packages="no-such-package-anywhere")
    status, cause, message = yard.outcome(task)
    assert (status, cause) == ("failed", "environment")
    assert "no-such-package-anywhere" in message
