"""Images that agents pulled, where the engine's disk has little room left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskyard.agent.containers import image
from taskyard.agent.containers.engine import Engine
from taskyard.agent.executors import docker as executors
from tests.beds import docker

NAME = "taskyard-test:pulled"


@pytest.fixture
def executor(engine: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[executors.DockerExecutor]:
    """An executor that takes the disk for too full."""
    monkeypatch.setattr(executors, "LEAST_FREE", 1 << 62)
    found = executors.DockerExecutor(Engine())
    yield found
    found.close()


@pytest.fixture
def pulled(engine: None, tmp_path: Path) -> Path:
    """What is noted of an image that an agent pulled."""
    docker.docker("tag", docker.IMAGE, NAME)
    return image.note_pulled(tmp_path, NAME)


def there(name: str) -> bool:
    return name in docker.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()


def test_one_that_was_not_used_for_long_goes(
    executor: executors.DockerExecutor, pulled: Path, tmp_path: Path
) -> None:
    old = time.time() - 2 * executors.UNUSED
    os.utime(pulled, (old, old))
    executor.collect(tmp_path / "runs", tmp_path)
    assert not there(NAME)


def test_one_that_was_just_used_stays(
    executor: executors.DockerExecutor, pulled: Path, tmp_path: Path
) -> None:
    executor.collect(tmp_path / "runs", tmp_path)
    assert there(NAME)
    docker.docker("image", "rm", NAME)


def test_one_that_no_agent_pulled_stays(executor: executors.DockerExecutor, tmp_path: Path) -> None:
    executor.collect(tmp_path / "runs", tmp_path)
    assert there(f"{docker.IMAGE}:latest")
