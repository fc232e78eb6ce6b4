"""The contract of the command line: streams, exit codes, forms of output, ids."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.beds.agent import TASKYARD, Site
from tests.beds.terminal import on_terminal
from tests.beds.waiting import until


def test_submit_prints_the_id_and_warns_when_nobody_serves_the_queue(
    shared_site: Site, folder: Path
) -> None:
    queue = shared_site.new_queue()
    done = shared_site.taskyard("submit", "--queue", queue, "main.py", cwd=folder)
    assert len(done.stdout.strip()) == 32
    assert f"no worker serves the queue {queue}" in done.stderr


class TestEvents:
    def test_tell_what_happened_to_a_task_in_its_order(self, shared_site: Site) -> None:
        task = shared_site.api("tasks.create", name="told of", type="training")["id"]
        shared_site.printed("tag", task, "+seen")
        rows = json.loads(shared_site.printed("events", task, "-o", "json"))
        assert [(row["what"], row["why"]) for row in rows] == [("created", ""), ("edited", "tags")]

    def test_are_followed_as_they_happen(self, shared_site: Site) -> None:
        task = shared_site.api("tasks.create", name="told of", type="training")["id"]
        words = [*TASKYARD, "events", task, "-f", "--format", "{task} was {what}"]
        process = subprocess.Popen(
            words, env=shared_site.environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "told of was created\n"
            shared_site.printed("tag", task, "+seen")
            assert process.stdout.readline() == "told of was edited\n"
        finally:
            process.kill()
            process.wait()


class TestIds:
    def test_a_prefix_will_do(self, shared_site: Site, drafts: list[str]) -> None:
        shown = shared_site.printed("show", drafts[0][:12], "-o", "json")
        assert json.loads(shown)["id"] == drafts[0]

    def test_an_ambiguous_prefix_lists_the_candidates(self, shared_site: Site) -> None:
        # A prefix has four digits or more: it takes some hundred tasks until two share one.
        session = shared_site.session()
        by_prefix: dict[str, list[str]] = {}
        while not (same := [found for found in by_prefix.values() if len(found) > 1]):
            task = session.raw("tasks.create", {"name": "many", "type": "training"})["id"]
            by_prefix.setdefault(task[:4], []).append(task)
        done = shared_site.taskyard("show", same[0][0][:4])
        assert done.returncode == 3
        assert all(task[:12] in done.stderr for task in same[0])

    def test_last_is_the_newest(self, shared_site: Site, drafts: list[str]) -> None:
        assert json.loads(shared_site.printed("show", "last", "-o", "json"))["id"] == drafts[2]

    def test_a_name_will_do_when_one_task_has_it(self, shared_site: Site) -> None:
        task = shared_site.api("tasks.create", name="only (one) so called", type="training")["id"]
        shown = shared_site.printed("show", "only (one) so called", "-o", "json")
        assert json.loads(shown)["id"] == task

    def test_a_dash_reads_them_from_standard_input(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        done = shared_site.taskyard("delete", "-", "-y", given="\n".join(drafts))
        assert done.stdout.split() == drafts

    def test_an_unknown_one_is_not_found(self, shared_site: Site) -> None:
        done = shared_site.taskyard("show", "ffffffffffff")
        assert done.returncode == 3
        assert 'error: no task "ffffffffffff"' in done.stderr
        assert done.stdout == ""

    def test_an_error_is_an_object_where_objects_are_asked_for(self, shared_site: Site) -> None:
        done = shared_site.taskyard("enqueue", "ffffffffffff", "-o", "json")
        error = json.loads(done.stderr)["error"]
        assert (error["code"], error["message"]) == (3, 'no task "ffffffffffff"')
        assert error["hint"]


class TestListings:
    def test_ps_gives_json(self, shared_site: Site, drafts: list[str]) -> None:
        rows = json.loads(shared_site.printed("ps", "-a", "-n", "500", "-o", "json"))
        row = next(r for r in rows if r["id"] == drafts[1])
        assert (row["task"], row["status"]) == ("draft 1", "draft")
        assert isinstance(row["age"], float)

    def test_ps_gives_ids(self, shared_site: Site, drafts: list[str]) -> None:
        assert drafts[2] in shared_site.printed("ps", "-a", "-q").split()

    def test_ps_gives_csv(self, shared_site: Site, drafts: list[str]) -> None:
        lines = shared_site.printed("ps", "-a", "-o", "csv").splitlines()
        assert lines[0].startswith("id,status,task,")
        assert any(line.startswith(f"{drafts[2]},draft,draft 2,") for line in lines)

    def test_ps_says_why_a_task_waits(self, shared_site: Site, folder: Path) -> None:
        queue = shared_site.new_queue()
        task = shared_site.printed("submit", "--queue", queue, "main.py", cwd=folder).strip()
        rows = {r["id"]: r for r in json.loads(shared_site.printed("ps", "-o", "json"))}
        assert f"no worker serves the queue {queue}" in rows[task]["where"]

    def test_ps_knows_the_words_that_people_see(self, shared_site: Site, drafts: list[str]) -> None:
        assert drafts[2] in shared_site.printed("ps", "--status", "draft", "-q").split()
        assert shared_site.taskyard("ps", "--status", "drafty").returncode == 2

    def test_a_pipe_gets_no_colours(self, shared_site: Site) -> None:
        assert "\x1b" not in shared_site.printed("ps", "-a")

    def test_a_terminal_gets_colours(self, shared_site: Site) -> None:
        shared_site.api("tasks.create", name="a draft", type="training")
        assert "\x1b[90mdraft\x1b[0m" in on_terminal(shared_site, "ps", "-a")[1]

    def test_a_reader_that_has_enough_is_no_failure(self, shared_site: Site) -> None:
        words = " ".join([*TASKYARD, "ps", "-a", "-o", "json"])
        done = subprocess.run(
            ["bash", "-c", f"{words} | head -c 1; exit ${{PIPESTATUS[0]}}"],
            env=shared_site.environment,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


class TestChanging:
    def test_edit_sets_parameters_that_its_command_line_then_has(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        words = ["submit", "--draft", "main.py", "--lr", "0.1", "--verbose"]
        task = shared_site.printed(*words, cwd=folder)
        shared_site.printed("edit", task, "--set", "lr=0.3", "--set", "verbose=no")
        shared_site.printed("edit", task, "--set", "depth=4", "--name", "renamed")
        shared_site.printed("enqueue", task, "--queue", serving)
        found = shared_site.ended(task)
        assert found["name"] == "renamed"
        assert "args --lr 0.3 --depth 4" in shared_site.console(task)

    def test_what_a_state_does_not_allow_is_a_conflict(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        for words in (["retry"], ["move", "--top"], ["abort"]):
            done = shared_site.taskyard(*words, drafts[0])
            assert done.returncode == 5, (words, done.stderr)
            assert "  try: " in done.stderr

    def test_one_that_fails_does_not_keep_the_others(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        queue = shared_site.new_queue()
        shared_site.printed("enqueue", drafts[1], "--queue", queue)
        done = shared_site.taskyard("dequeue", *drafts, "-o", "json")
        assert [row["id"] for row in json.loads(done.stdout)] == drafts

    def test_moves_within_a_queue_and_between_queues(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        queue, other = shared_site.new_queue(), shared_site.new_queue()
        shared_site.printed("enqueue", *drafts, "--queue", queue)
        assert shared_site.printed("move", drafts[2], "--top") == f"{drafts[2]}  position 1"
        shared_site.printed("move", drafts[1], "--queue", other)
        assert shared_site.printed("queue", "show", queue, "-q").split() == [drafts[2], drafts[0]]
        assert shared_site.printed("queue", "show", other, "-q").split() == [drafts[1]]

    def test_what_destroys_asks_for_a_yes(self, shared_site: Site, drafts: list[str]) -> None:
        done = shared_site.taskyard("delete", drafts[0])
        assert done.returncode == 2
        assert f"taskyard delete {drafts[0]} -y" in done.stderr
        assert shared_site.status(drafts[0]) == "created"

    def test_retry_runs_a_failed_task_again_and_keeps_what_it_printed(
        self, shared_site: Site, serving: str, folder: Path
    ) -> None:
        task = shared_site.printed("submit", "--queue", serving, "exits.py", "3", cwd=folder)
        shared_site.ended(task)
        shared_site.printed("retry", task)
        until(lambda: len(shared_site.attempts(task)) == 2, "the second attempt")
        shared_site.ended(task)
        assert shared_site.console(task).splitlines().count("bye") == 2


class TestDryRuns:
    def test_the_call_is_told_and_nothing_changes(
        self, shared_site: Site, drafts: list[str]
    ) -> None:
        queue = shared_site.new_queue()
        words = ["enqueue", *drafts[:2], "--queue", queue, "--dry-run", "-o", "json"]
        told = json.loads(shared_site.printed(*words))
        assert [(row["id"], row["would"]) for row in told] == [
            (task, "tasks.enqueue") for task in drafts[:2]
        ]
        assert shared_site.status(drafts[0]) == "created"

    def test_what_the_status_forbids_is_refused(self, shared_site: Site, drafts: list[str]) -> None:
        done = shared_site.taskyard("publish", drafts[0], "--dry-run")
        assert done.returncode == 5
        assert f"{drafts[0][:8]} is draft: it cannot become published" in done.stderr

    def test_nobody_is_asked_for_a_yes(self, shared_site: Site, drafts: list[str]) -> None:
        assert "would tasks.delete" in shared_site.printed("delete", *drafts, "--dry-run")
        assert shared_site.status(drafts[0]) == "created"

    def test_a_task_is_not_made_nor_its_project(self, shared_site: Site, folder: Path) -> None:
        (folder / "main.py").write_text("print('long')\n" * 100)
        words = ["--dry-run", "--project", "never made", "-o", "json", "main.py", "--lr", "0.1"]
        told = json.loads(shared_site.printed("submit", *words, cwd=folder))
        assert (told["would"], told["with"]["project"]) == ("tasks.create", "never made")
        assert told["with"]["script"]["diff"].count("long") == 100
        said = shared_site.printed("run", "--dry-run", "main.py", cwd=folder)
        assert "characters)" in said
        assert said.count("long") < 100
        assert "never made" not in shared_site.printed("project", "ls")

    def test_queues_and_projects_are_not_made(self, shared_site: Site) -> None:
        for thing in ("queue", "project"):
            said = shared_site.printed(thing, "create", "never made", "--dry-run")
            assert said.startswith(f"would {thing}s.create  with {{")
            assert "never made" not in shared_site.printed(thing, "ls")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from taskyard.cli.main import main; main(['--help']);"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "uvicorn", "uvloop", "msgspec", "starlette", "psutil", "alembic"}
    assert not heavy & set(done.stderr.split())


def test_ps_imports_nothing_heavy(shared_site: Site) -> None:
    code = (
        "import sys; from taskyard.cli.main import main; main(['ps']);"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=shared_site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"sqlalchemy", "uvicorn", "uvloop", "msgspec", "starlette", "psutil", "alembic"}
    assert not heavy & set(done.stderr.split())
