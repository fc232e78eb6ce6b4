"""The start that the spawner goes through before it forks."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from taskyard.agent.run import rehearsal


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_rehearsal_goes_through_and_leaves_nothing(scratch: Path) -> None:
    with rehearsal.stage() as stage:
        rehearsal.rehearse(stage)
        rehearsal.rehearse_keeping(stage)
        assert list((stage / "runs").iterdir()) == []
    assert list(scratch.iterdir()) == []
