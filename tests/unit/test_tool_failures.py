"""What package managers say when they fail, and what people are told."""

from __future__ import annotations

import pytest

from taskyard.agent.environments.failures import explain
from taskyard.api.errors import Cause


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "  [Errno 28] No space left on device\n\n  Cannot install numpy.",
        "NoSpaceLeftError: No space left on devices.",
        "rattler: InstallerError: failed to link\nCaused by: No space left on device (os error 28)",
        "error: Failed to write: Disk quota exceeded (os error 122)",
    ],
    ids=["pip", "poetry", "conda", "rattler", "uv"],
)
def test_a_full_disk_is_its_own_cause(said: str) -> None:
    assert explain(said, "the task").cause == Cause.DISK_FULL


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            "PackagesNotFoundError: The following packages are not available from current channels:"
            "\n\n  - nonesuch\n\nCurrent channels:",
            "no channel of conda has nonesuch",
        ),
        (
            "error    libmamba Could not solve for environment specs\n    The following package "
            "could not be found\n    nonesuch =* * does not exist (perhaps a typo or a missing "
            "channel).",
            "no channel of conda has nonesuch",
        ),
        (
            "CondaHTTPError: HTTP 000 CONNECTION FAILED for url "
            "<https://conda.example/noarch/repodata.json>",
            "the channel https://conda.example/noarch/repodata.json cannot be reached",
        ),
        (
            "Looking in indexes: http://index.example/simple\n"
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
            "'NewConnectionError('<HTTPConnection>: refused')': /simple/six/\n"
            "ERROR: No matching distribution found for six",
            "the package index http://index.example/simple cannot be reached",
        ),
        (
            "\nAll attempts to connect to index.example failed.\n\nProbable Causes:\n",
            "the package index index.example cannot be reached",
        ),
        (
            "Because mine depends on both a (1.0) and b (2.0), version solving failed.",
            "the packages cannot be installed together: mine depends on both a (1.0) and b (2.0)",
        ),
        (
            "  The Poetry configuration is invalid:\n    - data must contain ['name'] properties",
            "pyproject.toml is not right: - data must contain ['name'] properties",
        ),
        (
            "  Unable to find installation candidates for six (1.16.0)\n",
            "no matching distribution for six (1.16.0)",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(\"HTTPSConnectionPool"
            "(host='index.example', port=443): Failed to establish\")'\n"
            "ERROR: No matching distribution found for six",
            "the package index index.example cannot be reached",
        ),
        ("something else\n\n", "the packages of the task could not be installed: something else"),
        ("", "the packages of the task could not be installed: no output"),
    ],
)
def test_the_reason_is_named(said: str, what: str) -> None:
    assert explain(said, "the task").what == what


@pytest.mark.parametrize("said", ["No matching distribution found for x", "odd", ""])
def test_there_is_always_something_to_do(said: str) -> None:
    found = explain(said, "the task")
    assert (found.cause, bool(found.hint), found.tail) == (Cause.ENVIRONMENT, True, said)
