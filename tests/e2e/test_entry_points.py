"""What a task may be, beside a Python script: each goes through a real agent."""

from __future__ import annotations

import json

from tests.beds.agent import Site
from tests.beds.notebooks import notebook, texts


def executed(site: Site, task: str) -> list[dict[str, object]]:
    """The cells of the notebook that a task has as its artifact."""
    [artifact] = site.task(task)["execution"]["artifacts"]
    assert (artifact["key"], artifact["mode"]) == ("notebook", "output")
    path = artifact["uri"].partition("/files/")[2]
    found: list[dict[str, object]] = json.loads(site.session().get_file(path))["cells"]
    return found


def test_a_notebook_is_executed_and_kept_with_its_output(site: Site, queue: str) -> None:
    site.agent("--queue", queue)
    folder = site.root / queue
    folder.mkdir()
    cells = ("%env WORD=magic", "import os\nprint('a', os.environ['WORD'])", "6 * 7")
    (folder / "work.ipynb").write_text(notebook(*cells))
    words = ("submit", "--queue", queue, "--packages", "ipython", "work.ipynb")
    task = site.printed(*words, cwd=folder)
    assert site.ended(task)["status"] == "completed"
    assert "a magic\n" in site.console(task)
    assert "a magic\n" in texts(executed(site, task))


def test_a_notebook_that_fails_keeps_what_it_had(site: Site, queue: str) -> None:
    site.agent("--queue", queue)
    folder = site.root / queue
    folder.mkdir()
    (folder / "work.ipynb").write_text(notebook("print('before')", "1 / 0"))
    task = site.printed("submit", "--queue", queue, "work.ipynb", cwd=folder)
    found = site.ended(task)
    assert found["status_message"].startswith("exit code 1: ZeroDivisionError")
    assert texts(executed(site, task))[0] == "before\n"
