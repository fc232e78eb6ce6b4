"""Environments of every kind, from the command line and through an agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.beds.agent import Site


@pytest.fixture
def data(tmp_path: Path) -> tuple[str, str]:
    """A folder of environments of the test's own."""
    return ("--data", str(tmp_path / "data"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("iniconfig==2.0.0\n")
    return folder


@pytest.fixture
def built(site: Site, project: Path, data: tuple[str, str]) -> str:
    """The id of an environment."""
    return site.printed("env", "build", project, *data)


def test_build_makes_the_environment_of_a_folder(
    site: Site, built: str, data: tuple[str, str]
) -> None:
    (row,) = json.loads(site.printed("env", "list", "-o", "json", *data))
    assert (row["id"], row["manager"], row["packages"], row["in_use"]) == (built, "uv", 1, False)


def test_build_leaves_byte_code_behind(site: Site, built: str, data: tuple[str, str]) -> None:
    shown = json.loads(site.printed("env", "show", built[:6], "-o", "json", *data))
    assert (shown["compiled"], shown["packages"]) == (True, ["iniconfig==2.0.0"])


def test_build_says_what_is_wrong(site: Site, data: tuple[str, str]) -> None:
    done = site.taskyard("env", "build", "--packages", "no-such-package-anywhere-0", *data)
    assert done.returncode != 0
    assert "no-such-package-anywhere-0" in done.stderr


def test_show_names_what_is_not_there(site: Site, data: tuple[str, str]) -> None:
    done = site.taskyard("env", "show", "abc", *data)
    assert done.returncode != 0
    assert "env ls" in done.stderr


def test_gc_drops_what_nobody_uses(site: Site, built: str, data: tuple[str, str]) -> None:
    assert site.printed("env", "gc", "--max-gb", "0", *data) == built


def test_warm_makes_the_environment_that_a_task_will_use(site: Site, queue: str) -> None:
    task = site.submit("import iniconfig", queue, flags=("--packages", "iniconfig==1.1.1"))
    warmed = site.printed("env", "warm", task)
    site.agent("--queue", queue)
    site.ended(task)
    (attempt,) = site.attempts(task)
    phase = next(one for one in attempt["phases"] if one["name"] == "environment")
    assert (len(warmed), "used before" in phase["detail"]) == (32, True)


@pytest.mark.parametrize("manager", ["uv", "pip"])
def test_what_is_installed_is_written_back_by_every_manager(
    site: Site, queue: str, manager: str
) -> None:
    flags = ("--packages", "iniconfig<2.1", "--package-manager", manager)
    task = site.submit("import iniconfig", queue, flags=flags)
    site.agent("--queue", queue)
    found = site.ended(task)
    requirements = found["script"]["requirements"]
    assert (found["status"], requirements["org_pip"]) == ("completed", "iniconfig<2.1")
    assert "iniconfig==2.0.0" in requirements["pip"].splitlines()


def test_a_manager_that_does_not_fit_fails_with_what_to_do(site: Site, queue: str) -> None:
    flags = ("--packages", "iniconfig", "--package-manager", "poetry")
    task = site.submit("import iniconfig", queue, flags=flags)
    site.agent("--queue", queue)
    found = site.ended(task)
    assert found["status"] == "failed"
    assert "`poetry` cannot build this environment" in found["status_message"]
