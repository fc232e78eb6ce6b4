"""Which steps are over in a moment."""

from __future__ import annotations

from pathlib import Path

from taskyard.agent.run import steps
from taskyard.agent.run.spec import Code, Environment, RunSpec, RunState, Secrets


def slow_steps(code: Code, environment: Environment) -> list[str]:
    """The steps of which it is told that they have begun."""
    spec = RunSpec(task="t", attempt=1, cache="/none", code=code, environment=environment)
    run = steps.Run(
        folder=Path("/none"),
        spec=spec,
        secrets=Secrets(),
        state=RunState(),
        say=lambda _: None,
    )
    return [name for name, step in steps.STEPS if not steps.at_once(step, run)]


def test_a_script_by_itself_needs_an_environment_only() -> None:
    assert slow_steps(Code(diff="print(1)\n", entry_point="a.py"), Environment()) == ["environment"]


def test_a_repository_and_its_changes_take_time() -> None:
    code = Code(repository="https://host/r.git", diff="diff --git a/a b/a\n")
    assert slow_steps(code, Environment()) == ["source", "patch", "environment"]


def test_a_patch_without_a_repository_takes_time() -> None:
    assert slow_steps(Code(diff="diff --git a/a b/a\n"), Environment()) == ["patch", "environment"]


def test_a_set_up_script_takes_time() -> None:
    assert slow_steps(Code(), Environment(setup_script="true")) == ["setup", "environment"]
