"""The commands that look at what tasks gave, put them in order and list projects."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.beds.agent import TASKYARD, Site


@pytest.fixture
def draft(shared_site: Site) -> str:
    lr = {"section": "Args", "name": "lr", "value": "0.1"}
    created = shared_site.api(
        "tasks.create", name="a draft", type="training", hyperparams={"Args": {"lr": lr}}
    )
    return str(created["id"])


class TestListing:
    def test_json_has_the_fields_asked_for(self, shared_site: Site, draft: str) -> None:
        rows = json.loads(shared_site.printed("ps", "-a", "-n", "500", "--json", "id,status"))
        assert {"id": draft, "status": "draft"} in rows

    def test_a_format_is_a_line_for_each(self, shared_site: Site, draft: str) -> None:
        lines = shared_site.printed("ps", "-a", "-n", "500", "--format", "{id}:{status}")
        assert f"{draft}:draft" in lines.splitlines()

    @pytest.mark.usefixtures("draft")
    def test_an_unknown_field_is_told_with_those_there_are(self, shared_site: Site) -> None:
        for words in (["--json", "stats"], ["--format", "{stats}"]):
            done = shared_site.taskyard("ps", "-a", *words)
            assert done.returncode == 2
            assert "there is no field 'stats'" in done.stderr
            assert "status" in done.stderr

    def test_only_those_of_a_queue_or_with_a_tag(self, shared_site: Site, draft: str) -> None:
        queue = shared_site.new_queue()
        shared_site.printed("enqueue", draft, "--queue", queue)
        shared_site.printed("tag", draft, "+chosen")
        assert shared_site.printed("ps", "--queue", queue, "-q") == draft
        assert shared_site.printed("ps", "--tag", "chosen", "--user", "me", "-q") == draft
        shared_site.printed("tag", draft, "--remove", "chosen")
        assert shared_site.printed("ps", "--tag", "chosen", "-q") == ""

    def test_a_waiting_task_shows_its_place(self, shared_site: Site, draft: str) -> None:
        queue = shared_site.new_queue()
        shared_site.printed("enqueue", draft, "--queue", queue)
        assert "queued #1" in shared_site.printed("ps", "--queue", queue)


class TestResults:
    def test_metrics_are_the_last_values(self, shared_site: Site, draft: str) -> None:
        shared_site.report(draft, [3.0, 1.0, 2.0])
        (row,) = json.loads(shared_site.printed("metrics", draft, "-o", "json"))
        assert (row["id"], row["last"]) == ("loss/train", 2.0)
        assert (row["min"], row["min_step"], row["max"], row["max_step"]) == (1.0, 1, 3.0, 0)

    def test_metrics_are_every_point_when_asked(self, shared_site: Site, draft: str) -> None:
        shared_site.report(draft, [3.0, 1.0])
        rows = json.loads(shared_site.printed("metrics", draft, "--points", "-o", "json"))
        assert [(row["step"], row["value"]) for row in rows] == [(0, 3.0), (1, 1.0)]

    def test_an_artifact_is_downloaded(self, shared_site: Site, draft: str, tmp_path: Path) -> None:
        address = shared_site.session().put_file(f"project/{draft}/table.csv", b"a,b\n")
        artifact = {"key": "table", "type": "custom", "uri": address}
        shared_site.api("tasks.add_or_update_artifacts", task=draft, artifacts=[artifact])
        assert "table" in shared_site.printed("artifacts", draft)
        shared_site.printed("artifacts", draft, "table", "-O", str(tmp_path / "here.csv"))
        assert (tmp_path / "here.csv").read_bytes() == b"a,b\n"

    def test_diff_shows_what_a_clone_changed(self, shared_site: Site, draft: str) -> None:
        clone = shared_site.printed("clone", draft, "--set", "lr=0.2")
        assert json.loads(shared_site.printed("diff", clone, "-o", "json")) == [
            {"id": "Args/lr", "before": "0.1", "after": "0.2"}
        ]


class TestOrder:
    def test_archived_tasks_are_out_of_sight_until_restored(
        self, shared_site: Site, draft: str
    ) -> None:
        shared_site.printed("archive", draft)
        assert draft not in shared_site.printed("ps", "-a", "-n", "500", "-q")
        assert draft in shared_site.printed("ps", "-a", "-n", "500", "-q", "--archived")
        shared_site.printed("restore", draft)
        assert draft in shared_site.printed("ps", "-a", "-n", "500", "-q")

    def test_a_draft_cannot_be_published(self, shared_site: Site, draft: str) -> None:
        assert shared_site.taskyard("publish", draft).returncode == 5

    def test_a_task_is_moved_right_before_another(self, shared_site: Site) -> None:
        queue = shared_site.new_queue()
        tasks = [
            str(shared_site.api("tasks.create", name="waits", type="training")["id"])
            for _ in range(4)
        ]
        shared_site.printed("enqueue", *tasks, "--queue", queue)
        shared_site.printed("move", tasks[3], "--before", tasks[1])
        shared_site.printed("move", tasks[0], "--before", tasks[2])
        order = shared_site.printed("queue", "show", queue, "-q").split()
        assert order == [tasks[3], tasks[1], tasks[0], tasks[2]]

    def test_edit_opens_an_editor_on_a_terminal(self, shared_site: Site, draft: str) -> None:
        ours, theirs = pty.openpty()
        editor = {"EDITOR": "sed -i 's/lr = 0.1/lr = 0.7/'", "VISUAL": ""}
        done = subprocess.run(
            [*TASKYARD, "edit", draft],
            stdin=theirs,
            env={**shared_site.environment, **editor},
            capture_output=True,
            text=True,
            check=False,
        )
        os.close(ours)
        os.close(theirs)
        assert done.returncode == 0, done.stderr
        document = shared_site.api("tasks.get_by_id", task=draft)["task"]
        assert document["hyperparams"]["Args"]["lr"]["value"] == "0.7"


def test_the_life_of_a_project(shared_site: Site) -> None:
    shared_site.printed("project", "create", "vision/trains")
    shared_site.printed("project", "rename", "vision/trains", "vision/tracks")
    shared_site.printed("project", "rename", "vision/tracks", "signals/tracks")
    names = shared_site.printed("project", "ls", "--format", "{name}").splitlines()
    assert "signals/tracks" in names
    assert "vision/tracks" not in names
    shared_site.printed("project", "delete", "signals/tracks")
    assert "signals/tracks" not in shared_site.printed("project", "ls", "--format", "{name}")


def test_a_shell_completes_commands_flags_and_tasks(shared_site: Site, draft: str) -> None:
    ask = """
        taskyard() { "$PYTHON" -m taskyard "$@"; }
        eval "$(taskyard completion bash)"
        complete_last() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taskyard; }
        complete_last taskyard enq; echo "${COMPREPLY[@]}"
        complete_last taskyard queue cre; echo "${COMPREPLY[@]}"
        complete_last taskyard ps --sta; echo "${COMPREPLY[@]}"
        complete_last taskyard show "$DRAFT"; echo "${COMPREPLY[@]}"
    """
    own = {"DRAFT": draft[:6], "XDG_RUNTIME_DIR": str(shared_site.root), "PYTHON": TASKYARD[0]}
    done = subprocess.run(
        ["bash", "-c", ask],
        env={**shared_site.environment, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["enqueue", "create", "--status", draft[:8]]
