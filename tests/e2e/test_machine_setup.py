"""Setting a machine up: ``taskyard doctor`` and ``taskyard agent install``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskyard.cli import service
from tests.beds import nvml
from tests.beds.agent import Site
from tests.beds.postgres import free_port


def found(site: Site, *words: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the last finding of each check."""
    done = site.taskyard("doctor", *words, "-o", "json", environment=environment)
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


class TestDoctor:
    def test_a_machine_that_is_well_is_called_so(self, site: Site) -> None:
        code, findings = found(site, "server", "clock", "disk")
        assert {check: one["state"] for check, one in findings.items()} == {
            "server": "ok",
            "clock": "ok",
            "disk": "ok",
        }
        assert code == 0

    def test_a_server_that_is_away_is_wrong(self, site: Site) -> None:
        code, findings = found(
            site, "server", "clock", "--server", f"http://127.0.0.1:{free_port()}"
        )
        assert (code, findings["server"]["state"]) == (1, "wrong")
        assert findings["server"]["hint"]

    def test_a_repository_that_cannot_be_read_is_wrong_and_shows_no_password(
        self, site: Site
    ) -> None:
        address = f"http://me:secret-word@127.0.0.1:{free_port()}/code.git"
        code, findings = found(site, "git", "--git", address)
        assert (code, findings["git"]["state"]) == (1, "wrong")
        assert "secret-word" not in str(findings)

    def test_a_repository_that_can_be_read_is_well(self, site: Site, tmp_path: Path) -> None:
        subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)
        code, findings = found(site, "git", "--git", f"file://{tmp_path}")
        assert (code, findings["git"]["text"]) == (0, f"file://{tmp_path} can be read")

    def test_a_package_index_that_does_not_answer_is_wrong(self, site: Site) -> None:
        index = f"http://me:secret-word@127.0.0.1:{free_port()}/simple"
        code, findings = found(site, "packages", UV_DEFAULT_INDEX=index)
        assert code == 1
        assert "does not answer" in findings["packages"]["text"]
        assert "secret-word" not in str(findings)

    def test_gpus_are_listed(self, site: Site, tmp_path: Path) -> None:
        nvml.set_gpus(tmp_path, [nvml.Gpu(memory=81920)])
        code, findings = found(site, "gpus", **nvml.install(tmp_path))
        assert code == 0
        assert findings["gpus"]["text"].startswith("GPU 0: Accelerator, 80 GB, GPU-")

    def test_an_unknown_check_is_refused(self, site: Site) -> None:
        done = site.taskyard("doctor", "weather")
        assert done.returncode == 2
        assert "'weather'" in done.stderr

    def test_people_are_told_what_to_do(self, site: Site) -> None:
        done = site.taskyard("doctor", "server", "--server", f"http://127.0.0.1:{free_port()}")
        assert "WRONG  server" in done.stdout
        assert "try: " in done.stdout


class TestInstall:
    def test_the_unit_runs_the_daemon_with_the_same_flags(self, site: Site) -> None:
        words = ["--queue", "one two", "--gpus", "none", "--uptime", "8-20 MON-FRI"]
        unit = site.printed("agent", "install", "--print", *words).splitlines()
        (start,) = [line for line in unit if line.startswith("ExecStart=")]
        assert start.endswith('agent daemon --queue "one two" --gpus none --uptime "8-20 MON-FRI"')
        assert "KillMode=process" in unit
        assert f"Environment=TASKYARD_CONFIG={site.config}" in unit

    def test_systemd_is_told(self, site: Site, tmp_path: Path) -> None:
        control = tmp_path / "systemctl"
        control.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/said\n')
        control.chmod(0o755)
        # A plain user's units, whoever runs the tests.
        code = (
            "import os, sys; os.geteuid = lambda: 1000; from taskyard.cli.main import main;"
            "sys.exit(main(['agent', 'install', '--queue', 'q', '--services-mode']))"
        )
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        site.program([sys.executable, "-c", code], **environment).process.wait(60)
        unit = tmp_path / "config/systemd/user/taskyard-agent-services.service"
        assert "--services-mode" in unit.read_text()
        assert (tmp_path / "said").read_text().splitlines() == [
            "--user daemon-reload",
            f"--user enable --now {unit.name}",
        ]

    def test_a_password_is_not_written_into_the_unit(self, site: Site) -> None:
        done = site.taskyard("agent", "install", "--print", "--git-user", "me", "--git-pass", "x")
        assert done.returncode == 1
        assert "agent.env" in done.stderr

    @pytest.mark.parametrize(
        ("word", "quoted"),
        [("plain", "plain"), ("100%", "100%%"), ("a b", '"a b"'), ('"', '"\\""'), ("", '""')],
    )
    def test_words_are_quoted_as_systemd_reads_them(self, word: str, quoted: str) -> None:
        assert service._quoted(word) == quoted
