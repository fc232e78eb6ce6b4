"""Keeping leases, and what a run tells while it goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from taskyard.api import errors
from taskyard.server.store.database.times import from_wire
from tests.beds.server import Api, Running
from tests.beds.waiting import until
from tests.server.asking import task_of
from tests.server.leasing import console, finish, history, leased, refused, renew, report, take
from tests.server.making import unique


def test_a_renewed_lease_ends_later(api: Api) -> None:
    *_, lease = leased(api)
    result = renew(api, lease)
    assert result["order"] == "go"
    assert from_wire(result["deadline"]) > from_wire(lease["deadline"])


def test_a_stop_is_told_with_the_next_renewal(api: Api) -> None:
    _, task, lease = leased(api)
    api("tasks.stop", task=task)
    assert task_of(api, task)["status_message"] == "stopping"
    assert renew(api, lease)["order"] == "abort"


def test_a_renewal_that_waits_hears_of_a_stop_at_once(api: Api, server: Running) -> None:
    _, task, lease = leased(api)
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(renew, Api(server), lease, wait=30)
        until(lambda: "worker:w:0" in server.server.signals.waiting)
        api("tasks.stop", task=task)
        assert waiter.result(20)["order"] == "abort"


@pytest.mark.parametrize("action", ["reset", "delete", "dequeue"])
def test_a_run_whose_task_was_taken_away_is_gone(api: Api, action: str) -> None:
    _, task, lease = leased(api)
    body = {} if action == "dequeue" else {"force": True}
    api(f"tasks.{action}", task=task, **body)
    assert renew(api, lease)["order"] == "gone"


def test_a_run_that_its_own_code_called_completed_may_end_in_peace(api: Api) -> None:
    _, task, lease = leased(api)
    api("tasks.completed", task=task)
    assert renew(api, lease)["order"] == "go"
    assert finish(api, lease, "completed") == {"status": "completed", "next": "done"}


def test_a_renewal_can_bring_the_machines_load(api: Api) -> None:
    *_, lease = leased(api)
    api(
        "attempts.renew",
        worker=(worker := unique("loaded")),
        attempts=[{"task": lease["task"], "attempt": lease["attempt"]}],
        machine_stats={"cpu_usage": [10, 20]},
    )
    found = api("workers.get_metric_keys", worker_ids=[worker])["categories"]
    assert found == [{"name": "cpu", "metric_keys": ["cpu_usage"]}]


# Reporting


def test_what_really_ran_is_written_back_to_the_task(api: Api) -> None:
    _, task, lease = leased(api, script={"repository": "r", "requirements": {"pip": "six"}})
    report(api, lease, commit="abc", packages="six==1.16.0")
    script = task_of(api, task)["script"]
    assert script["version_num"] == "abc"
    assert script["requirements"] == {"pip": "six==1.16.0", "org_pip": "six"}
    assert script["repository"] == "r"


def test_what_conda_installed_is_asked_of_conda_again(api: Api) -> None:
    _, task, lease = leased(api, script={"repository": "r", "requirements": {"pip": "six"}})
    report(api, lease, packages="six==1.16.0", conda_packages="numpy[version='==2.1']")
    requirements = task_of(api, task)["script"]["requirements"]
    assert (requirements["conda"], requirements["manager"]) == ("numpy[version='==2.1']", "conda")


def test_phases_are_kept_with_the_attempt(api: Api) -> None:
    _, task, lease = leased(api)
    phases = [{"name": "source", "started": 1.0, "ended": 2.0}, {"name": "launch", "started": 2.0}]
    report(api, lease, phases=phases)
    (attempt,) = history(api, task)
    assert (attempt["state"], attempt["phases"]) == ("running", phases)


def test_where_a_run_has_its_place_is_kept_with_the_attempt(api: Api) -> None:
    _, task, lease = leased(api)
    place = {"worker": "host:gpu0,1", "gpus": ["GPU-a", "GPU-b"]}
    report(api, lease, place=place)
    report(api, lease, phase="launch")
    assert history(api, task)[0]["place"] == place


def test_output_is_kept_once_however_often_it_is_sent(api: Api) -> None:
    _, task, lease = leased(api)
    assert report(api, lease, console={"offset": 0, "text": "one\n"}) == 4
    assert report(api, lease, console={"offset": 0, "text": "one\n"}) == 4
    assert report(api, lease, console={"offset": 99, "text": "far\n"}) == 4
    assert report(api, lease, console={"offset": 4, "text": "zwei ü\n", "size": 8}) == 12
    assert report(api, lease) == 12
    assert console(api, task) == ["one", "zwei ü"]


def test_the_last_output_may_come_after_the_end(api: Api) -> None:
    _, task, lease = leased(api)
    finish(api, lease, "completed")
    assert report(api, lease, console={"offset": 0, "text": "bye\n"}) == 4
    assert console(api, task) == ["bye"]


def test_reports_of_an_attempt_that_is_out_of_date_are_refused(api: Api) -> None:
    queue, task, lease = leased(api)
    api("tasks.reset", task=task, force=True)
    said = {"console": {"offset": 0, "text": "x"}}
    assert refused(report, api, lease, **said) == errors.STALE_ATTEMPT[:2]
    api("tasks.enqueue", task=task, queue=queue)
    take(api, queue)
    assert refused(report, api, lease, commit="x") == errors.STALE_ATTEMPT[:2]
    assert refused(finish, api, lease, "completed") == errors.STALE_ATTEMPT[:2]
