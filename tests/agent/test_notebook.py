"""Notebooks as tasks: executed in order, and kept with what their cells showed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskyard.agent.run.launch import NOTEBOOK_RUNNER
from tests.beds.notebooks import notebook, texts


class Executed:
    """A notebook that was run by the interpreter of the tests, which has no IPython."""

    def __init__(self, folder: Path, *cells: str, arguments: tuple[str, ...] = ()) -> None:
        (folder / "work.ipynb").write_text(notebook(*cells))
        done = subprocess.run(
            [sys.executable, "-u", NOTEBOOK_RUNNER, "work.ipynb", "out.ipynb", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.code, self.printed, self.errors = done.returncode, done.stdout, done.stderr
        out = folder / "out.ipynb"
        self.cells: list[dict[str, Any]] = json.loads(out.read_text())["cells"]


def test_cells_share_their_names_and_print_to_the_console(tmp_path: Path) -> None:
    done = Executed(tmp_path, "a = 20", "print('sum', a + 22)")
    assert (done.code, done.printed) == (0, "sum 42\n")


def test_the_last_value_of_a_cell_is_shown_and_kept(tmp_path: Path) -> None:
    done = Executed(tmp_path, "6 * 7")
    assert done.printed == "42\n"
    [output] = done.cells[1]["outputs"]
    assert (output["output_type"], output["data"]) == ("execute_result", {"text/plain": "42"})


def test_what_a_cell_prints_is_kept_with_it(tmp_path: Path) -> None:
    done = Executed(tmp_path, "print('one')\nprint('two')", "print('three')")
    assert texts(done.cells) == ["one\ntwo\n", "three\n"]
    assert [cell.get("execution_count") for cell in done.cells] == [None, 1, 2]


def test_the_first_cell_that_fails_ends_it_with_its_exception_last(tmp_path: Path) -> None:
    done = Executed(tmp_path, "print('before')", "1 / 0", "print('never')")
    assert done.code == 1
    assert "never" not in done.printed
    assert done.errors.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert done.cells[2]["outputs"][0]["ename"] == "ZeroDivisionError"


def test_a_magic_without_ipython_says_what_is_missing(tmp_path: Path) -> None:
    done = Executed(tmp_path, "%matplotlib inline")
    assert done.code == 1
    assert "ipython" in done.printed


def test_an_exit_in_a_cell_is_the_tasks_exit(tmp_path: Path) -> None:
    assert Executed(tmp_path, "import sys; sys.exit(7)").code == 7


def test_arguments_are_those_of_the_task(tmp_path: Path) -> None:
    done = Executed(tmp_path, "import sys; print(sys.argv)", arguments=("--lr", "0.1"))
    assert done.printed == "['work.ipynb', '--lr', '0.1']\n"


def test_modules_beside_the_notebook_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("answer = 42")
    assert Executed(tmp_path, "import helper; print(helper.answer)").printed == "42\n"


def test_modules_beside_the_runner_are_not_in_the_way(tmp_path: Path) -> None:
    done = Executed(tmp_path, "import importlib.util; print(importlib.util.find_spec('keeper'))")
    assert done.printed == "None\n"


@pytest.mark.parametrize("content", ["no json", '{"metadata": {}}'])
def test_what_is_no_notebook_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "work.ipynb").write_text(content)
    done = subprocess.run(
        [sys.executable, NOTEBOOK_RUNNER, "work.ipynb", "out.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "work.ipynb is no" in done.stderr
