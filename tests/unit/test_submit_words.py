"""What the words of ``run`` and ``submit`` mean. Pure."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from taskyard.api.errors import TaskyardError
from taskyard.cli.main import Parser
from taskyard.cli.submit import submit_arguments
from taskyard.cli.submit.body import code_of, requirements_of, settings_of
from taskyard.cli.submit.entry import Entry, entry_of, meant_for_us
from taskyard.cli.submit.flags import OURS, spread


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for name in ("train.py", "go.sh", "inner/part.py"):
        (tmp_path / name).touch()
    return tmp_path


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="taskyard run")
    submit_arguments(parser)
    return parser.parse_args(spread(words))


def entry(folder: Path, *words: str) -> tuple[str, str, list[str]]:
    found = entry_of(parsed("--folder", str(folder), *words))
    return found.point, found.binary, found.words


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["train.py", "--lr", "1"], ("train.py", "python", ["--lr", "1"])),
        (["--", "train.py", "--queue", "x"], ("train.py", "python", ["--queue", "x"])),
        (["python", "train.py"], ("train.py", "python", [])),
        (["--", "python3", "-m", "a.b", "-v"], ("-m a.b", "python", ["-v"])),
        (["-m", "a.b", "--lr", "1"], ("-m a.b", "python", ["--lr", "1"])),
        (["--python", "3.12", "train.py"], ("train.py", "python3.12", [])),
        (["go.sh", "x"], ("go.sh", "sh", ["x"])),
        (["--binary", "torchrun", "train.py"], ("train.py", "torchrun", [])),
        (["--script", "train.py"], ("train.py", "python", [])),
        (["--script", "inner/part.py", "--cwd", "inner"], ("part.py", "python", [])),
        (["--cwd", "inner", "part.py"], ("part.py", "python", [])),
    ],
)
def test_what_is_run_and_with_which_words(
    words: list[str], found: tuple[str, str, list[str]], folder: Path
) -> None:
    assert entry(folder, *words) == found


def test_a_line_of_clearml_task_means_what_it_means_there(folder: Path) -> None:
    line = """--project p --name n --folder {0} --script train.py --args lr=0.1 steps=3 --tags a b
        --packages numpy pandas>=2 --docker image:1 --docker_args=--ipc=host --queue q
        --docker_bash_setup_script echo --output-uri s3://b --task-type testing --skip-task-init"""
    args = parsed(*line.format(folder).split())
    assert entry_of(args) == Entry("train.py", folder, "python", ["--lr", "0.1", "--steps", "3"])
    assert requirements_of(args) == {"pip": "numpy\npandas>=2"}
    assert settings_of(args) == {
        "type": "testing",
        "tags": ["a", "b"],
        "output_dest": "s3://b",
        "container": {
            "image": "image:1",
            "arguments": "--ipc=host",
            "setup_shell_script": "echo",
        },
    }
    assert (args.queue, args.project, args.name) == ("q", "p", "n")


def test_a_module_of_clearml_task_brings_its_words_in_one(folder: Path) -> None:
    args = parsed("--repo", "https://host/x.git", "--module", "a.run b.py -v", "--branch", "dev")
    found = entry_of(args)
    assert (found.point, found.words) == ("-m a.run", ["b.py", "-v"])
    assert code_of(args, found) == {
        "repository": "https://host/x.git",
        "branch": "dev",
        "version_num": "",
        "working_dir": ".",
        "entry_point": "-m a.run",
    }


def test_a_second_word_after_a_list_is_the_script_in_the_form_for_hands() -> None:
    words = ["--packages", "numpy", "train.py", "--tags", "a", "b"]
    assert spread(words) == words


def test_no_packages_is_a_list_with_nothing_in_it() -> None:
    assert requirements_of(parsed("--force-no-requirements")) == {"pip": "# none"}


def test_the_interpreter_as_it_is_goes_by_two_names() -> None:
    assert requirements_of(parsed("--skip-python-env-install")) == {"manager": "image"}


@pytest.mark.parametrize("flag", ["--pipeline", "--import-offline-session=x.zip"])
def test_what_only_the_other_command_can_do_is_said(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("--script", "train.py", flag)
    assert "is clearml-task's alone" in capsys.readouterr().err


def test_a_commit_needs_a_repository(folder: Path) -> None:
    args = parsed("--folder", str(folder), "--commit", "abc", "train.py")
    with pytest.raises(TaskyardError, match="--branch and --commit are of a repository"):
        code_of(args, entry_of(args))


@pytest.mark.parametrize(
    ("text", "ours"), [("print()", ["--queue"]), ("add_argument('--queue')", [])]
)
def test_a_flag_of_ours_after_a_script_that_does_not_know_it_is_noticed(
    text: str, ours: list[str], folder: Path
) -> None:
    (folder / "train.py").write_text(text)
    given = Entry("train.py", folder, "python", ["--queue=gpu", "--lr", "1"])
    assert meant_for_us(given, OURS) == ours
