"""What is made ready before the Python environment: files, packages of the system, a script."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.agent.run import setup
from taskyard.agent.run.spec import CONSOLE, Environment, OwnFile, RunSpec, Secrets
from taskyard.api.errors import Cause, RunError

APT = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/said"
echo "E: Unable to locate package nonesuch" >&2
case "$*" in *nonesuch*) exit 100;; esac
"""
DPKG = """#!/bin/sh
case "$*" in *already*) echo "install ok installed";; *) exit 1;; esac
"""


class Place:
    """A run folder, and a machine with an apt of its own."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.bin, self.tree = base / "bin", base / "tree"
        for folder in (self.bin, self.tree):
            folder.mkdir()
        for name, text in (("apt-get", APT), ("dpkg-query", DPKG)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        (base / CONSOLE).touch()

    def perform(self, files: list[OwnFile] | None = None, **wanted: object) -> str:
        spec = RunSpec(
            task="t",
            attempt=1,
            cache=str(self.base),
            environment=Environment(**wanted),  # type: ignore[arg-type]
            variables={"WHERE": "there", "PATH": f"{self.bin}:/usr/bin:/bin"},
        )
        return setup.perform(spec, Secrets(files=files or []), folder=self.base, tree=self.tree)

    def said(self) -> list[str]:
        file = self.bin / "said"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return Place(tmp_path)


def test_a_script_stops_at_its_first_failing_command(place: Place) -> None:
    with pytest.raises(RunError, match="exit code 3") as caught:
        place.perform(setup_script="echo before\n(exit 3)\ntouch after\n")
    assert (caught.value.cause, (place.tree / "after").exists()) == (Cause.ENVIRONMENT, False)


def test_a_script_sees_the_variables_of_the_task(place: Place) -> None:
    place.perform(setup_script='printf %s "$WHERE" > seen\n')
    assert (place.tree / "seen").read_text() == "there"


def test_packages_of_the_system_are_installed_where_that_is_allowed(place: Place) -> None:
    done = place.perform(system_packages=["ffmpeg"], allow_system_packages=True)
    assert (done, place.said()[0].endswith("-- ffmpeg")) == ("installed ffmpeg", True)


def test_packages_that_are_there_are_left_alone(place: Place) -> None:
    place.perform(system_packages=["already"], allow_system_packages=True)
    assert place.said() == []


def test_packages_that_are_there_need_no_leave(place: Place) -> None:
    assert place.perform(system_packages=["already"]) == ""


def test_packages_are_refused_where_they_are_not_allowed(place: Place) -> None:
    with pytest.raises(
        RunError, match="needs ffmpeg, and this agent installs no packages"
    ) as caught:
        place.perform(system_packages=["ffmpeg", "already"])
    assert "system_packages" in caught.value.hint


def test_a_package_that_apt_does_not_know_is_named(place: Place) -> None:
    with pytest.raises(RunError, match=r"could not install nonesuch .*Unable to locate") as caught:
        place.perform(system_packages=["nonesuch"], allow_system_packages=True)
    assert caught.value.cause == Cause.ENVIRONMENT


def test_old_lists_are_renewed_before_giving_up(place: Place) -> None:
    with pytest.raises(RunError):
        place.perform(system_packages=["nonesuch"], allow_system_packages=True)
    assert [line.split()[-1] for line in place.said()] == ["nonesuch", "update", "nonesuch"]


def test_files_of_the_agent_are_written(place: Place) -> None:
    path = place.base / "there" / "conf"
    place.perform([OwnFile(path=str(place.base / "${WHERE}" / "conf"), contents="x")])
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("x", 0o600)


def test_a_file_that_is_not_to_be_overwritten_stays(place: Place) -> None:
    path = place.base / "conf"
    path.write_text("theirs")
    place.perform([OwnFile(path=str(path), contents="ours", overwrite=False)])
    assert path.read_text() == "theirs"


def test_a_file_that_cannot_be_written_is_named(place: Place) -> None:
    with pytest.raises(RunError, match="/dev/null/x cannot be written") as caught:
        place.perform([OwnFile(path="/dev/null/x")])
    assert caught.value.cause == Cause.ENVIRONMENT
