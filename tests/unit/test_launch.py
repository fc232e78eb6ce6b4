"""What is started for a task."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from taskyard.agent.run.keeper import Launch
from taskyard.agent.run.launch import base_environment, plan
from taskyard.agent.run.spec import Code, RunSpec, Secrets
from taskyard.api.errors import Cause, RunError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("tree/train.py", "tree/sub/eval.py", "tree/run.sh", "env/pyvenv.cfg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    tool = tmp_path / "env/bin/torchrun"
    tool.parent.mkdir()
    tool.touch(mode=0o755)
    return tmp_path / "tree"


def planned(
    tree: Path,
    code: Code,
    *,
    variables: dict[str, str] | None = None,
    secrets: dict[str, str] | None = None,
    base: dict[str, str] | None = None,
) -> Launch:
    env = tree.parent / "env"
    return plan(
        RunSpec(task="t", attempt=2, code=code, variables=variables or {}, cache="/cache"),
        Secrets(variables=secrets or {}),
        entry_point=code.entry_point,
        tree=tree,
        python=env / "bin/python",
        bin=env / "bin",
        checkpoints=Path("/checkpoints/t"),
        base=base if base is not None else {"PATH": "/usr/bin:/bin"},
    )


def argv(tree: Path, **code: object) -> list[str]:
    """Return the command line, with the environment's folder left out."""
    found = planned(tree, Code(**code)).argv  # type: ignore[arg-type]
    return [word.replace(f"{tree.parent / 'env'}/bin/", "env:") for word in found]


def failure(tree: Path, **code: object) -> RunError:
    with pytest.raises(RunError) as caught:
        planned(tree, Code(**code))  # type: ignore[arg-type]
    assert caught.value.cause == Cause.USER_CODE
    return caught.value


class TestCommandLine:
    def test_a_script_is_run_unbuffered_by_the_environments_python(self, tree: Path) -> None:
        found = argv(tree, entry_point="train.py", arguments=["--lr", "0.1 0.2"])
        assert found == ["env:python", "-u", "train.py", "--lr", "0.1 0.2"]

    @pytest.mark.parametrize("binary", ["python3", "python3.11", "/usr/bin/python3", ""])
    def test_any_python_means_the_environments(self, tree: Path, binary: str) -> None:
        assert argv(tree, entry_point="train.py", binary=binary)[0] == "env:python"

    def test_options_of_python_are_kept(self, tree: Path) -> None:
        found = argv(tree, entry_point="train.py", binary="python -W error")
        assert found == ["env:python", "-u", "-W", "error", "train.py"]

    def test_a_module_may_bring_arguments_of_its_own(self, tree: Path) -> None:
        found = argv(tree, entry_point="-m torch.run --nproc 2 train.py", arguments=["--x"])
        assert found == ["env:python", "-u", "-m", "torch.run", "--nproc", "2", "train.py", "--x"]

    def test_a_shell_script_is_run_by_a_shell_though_the_binary_says_python(
        self, tree: Path
    ) -> None:
        found = argv(tree, entry_point="run.sh", arguments=["a"])
        assert os.path.basename(found[0]) in ("bash", "sh")
        assert found[1:] == ["run.sh", "a"]

    def test_a_program_of_the_environment_is_found_first(self, tree: Path) -> None:
        found = argv(tree, entry_point="train.py", binary="torchrun --nproc 2")
        assert found == ["env:torchrun", "--nproc", "2", "train.py"]

    def test_a_binary_needs_no_entry_point(self, tree: Path) -> None:
        assert argv(tree, binary="torchrun", arguments=["x"]) == ["env:torchrun", "x"]

    def test_a_program_that_is_nowhere_is_named(self, tree: Path) -> None:
        assert "'nosuchtool'" in failure(tree, entry_point="train.py", binary="nosuchtool").what

    def test_an_entry_point_is_relative_to_the_working_directory(self, tree: Path) -> None:
        launch = planned(tree, Code(entry_point="eval.py", working_dir="sub"))
        assert launch.folder == tree / "sub"
        assert launch.argv[-1] == "eval.py"

    def test_a_missing_script_names_one_of_the_same_name_elsewhere(self, tree: Path) -> None:
        error = failure(tree, entry_point="eval.py")
        assert "sub/eval.py" in error.hint

    def test_a_missing_script_names_those_with_a_name_like_it(self, tree: Path) -> None:
        assert "train.py" in failure(tree, entry_point="trian.py").hint

    def test_a_folder_is_no_entry_point(self, tree: Path) -> None:
        assert "is a folder" in failure(tree, entry_point="sub").what

    def test_no_entry_point_at_all_is_said_so(self, tree: Path) -> None:
        assert "no entry point" in failure(tree).what

    @pytest.mark.parametrize("place", ["..", "/etc", "sub/../../env"])
    def test_a_working_directory_outside_the_code_is_refused(self, tree: Path, place: str) -> None:
        error = failure(tree, entry_point="train.py", working_dir=place)
        assert "leads out of the repository" in error.what

    def test_a_link_out_of_the_code_is_no_way_out(self, tree: Path) -> None:
        (tree / "link").symlink_to("/etc")
        error = failure(tree, entry_point="train.py", working_dir="link")
        assert "leads out of the repository" in error.what

    def test_a_binary_that_is_no_shell_word_list_is_refused(self, tree: Path) -> None:
        assert "cannot be read" in failure(tree, entry_point="train.py", binary='"bash').what


class TestEnvironment:
    def test_the_environments_programs_come_first(self, tree: Path) -> None:
        environment = planned(tree, Code(entry_point="train.py")).environment
        assert environment["PATH"] == f"{tree.parent}/env/bin:/usr/bin:/bin"
        assert environment["VIRTUAL_ENV"] == f"{tree.parent}/env"

    def test_an_interpreter_outside_a_virtual_environment_is_not_called_one(
        self, tree: Path
    ) -> None:
        (tree.parent / "env/pyvenv.cfg").unlink()
        assert "VIRTUAL_ENV" not in planned(tree, Code(entry_point="train.py")).environment

    def test_modules_are_found_in_the_working_directory_then_the_top(self, tree: Path) -> None:
        code = Code(entry_point="eval.py", working_dir="sub")
        found = planned(tree, code, variables={"PYTHONPATH": "/more"}).environment["PYTHONPATH"]
        assert found == f"{tree}/sub:{tree}:/more"

    def test_the_run_tells_who_it_is(self, tree: Path) -> None:
        environment = planned(tree, Code(entry_point="train.py")).environment
        names = ("TASKYARD_TASK_ID", "TASKYARD_ATTEMPT", "TASKYARD_CHECKPOINT_DIR")
        assert [environment[name] for name in names] == ["t", "2", "/checkpoints/t"]

    def test_secrets_win_over_variables_and_both_over_the_machines(self, tree: Path) -> None:
        environment = planned(
            tree,
            Code(entry_point="train.py"),
            base={"A": "machine", "B": "machine", "C": "machine"},
            variables={"B": "task", "C": "task"},
            secrets={"C": "secret"},
        ).environment
        assert [environment[name] for name in "ABC"] == ["machine", "task", "secret"]


class TestBaseEnvironment:
    @pytest.mark.parametrize(
        "name",
        [
            "TASKYARD_SECRET_KEY", "CLEARML_API_SECRET_KEY", "VIRTUAL_ENV", "PYTHONPATH",
            "PYTHONHOME", "GIT_ASKPASS", "GIT_DIR", "NOTIFY_SOCKET", "CONDA_PREFIX",
        ],
    )  # fmt: skip
    def test_what_is_the_agents_own_is_not_passed_on(self, name: str) -> None:
        assert name not in base_environment({name: "x"})

    @pytest.mark.parametrize(
        "name", ["HOME", "LANG", "HTTPS_PROXY", "LD_LIBRARY_PATH", "AWS_PROFILE", "PYTHONUTF8"]
    )
    def test_what_belongs_to_the_machine_is_passed_on(self, name: str) -> None:
        assert base_environment({name: "x"})[name] == "x"

    def test_the_agents_own_virtual_environment_is_off_the_path(self) -> None:
        found = base_environment({"PATH": f"{sys.prefix}/bin:/usr/bin", "VIRTUAL_ENV": sys.prefix})
        assert found["PATH"] == "/usr/bin"
