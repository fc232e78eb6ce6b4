"""Passwords for git hosts, from the configuration file and from flags."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from taskyard.cli.machine import git_credentials
from taskyard.client.config import git_hosts

FILE = """
[client]
url = "http://127.0.0.1:1"

[git."git.example.com"]
user = "ci"
password = "secret"

[git."else.example.com"]
user = "no password"
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(FILE)
    monkeypatch.setenv("TASKYARD_CONFIG", str(file))
    monkeypatch.delenv("CLEARML_AGENT_GIT_PASS", raising=False)
    return file


def flags(**given: str) -> argparse.Namespace:
    return argparse.Namespace(**{"git_user": "", "git_pass": "", "git_host": "", **given})


def test_each_host_has_its_own_pair() -> None:
    assert git_hosts() == {"git.example.com": ("ci", "secret")}


def test_flags_are_for_all_other_hosts_or_the_one_named() -> None:
    pair = {"git_user": "ada", "git_pass": "word"}
    assert git_credentials(flags(**pair)) == {**git_hosts(), "*": ("ada", "word")}
    named = git_credentials(flags(**pair, git_host="git.example.com"))
    assert named == {"git.example.com": ("ada", "word")}


def test_without_a_file_there_are_none(file: Path) -> None:
    file.unlink()
    assert git_credentials(flags()) == {}
