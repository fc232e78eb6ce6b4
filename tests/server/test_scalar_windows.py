"""Parts of curves as a screen draws them."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.jobs import compaction
from tests.beds.server import Api, Running

MANY = 20_000


@pytest.fixture(scope="module")
def long_curve(server: Running) -> str:
    """A task with a curve of MANY points that has one spike, up at 7,777 and down at 7,779."""
    api = Api(server)
    task: str = api("tasks.create", name="reports", type="training")["id"]
    spikes = {7_777: 1e6, 7_779: -1e6}
    for start in range(0, MANY, 5000):
        report(api, task, [(i, spikes.get(i, 1.0)) for i in range(start, start + 5000)])
    server.await_(compaction.run(server.server))
    return task


@pytest.fixture
def task(api: Api) -> str:
    found: str = api("tasks.create", name="reports", type="training")["id"]
    return found


def report(api: Api, task: str, points: list[tuple[int, float]], metric: str = "loss") -> None:
    head = {"type": "training_stats_scalar", "task": task, "metric": metric, "variant": "train"}
    lines = [{**head, "iter": i, "value": y, "timestamp": 10 * abs(i)} for i, y in points]
    api.batch("events.add_batch", lines)


def only(api: Api, task: str, **asked: Any) -> dict[str, Any]:
    (curve,) = api("events.scalar_window", task=task, **asked)["curves"]
    found: dict[str, Any] = curve
    return found


def test_a_short_curve_is_given_as_it_is(api: Api, task: str) -> None:
    report(api, task, [(0, 1.0), (5, 3.0), (9, 2.0)])

    assert only(api, task) == {
        "metric": "loss",
        "variant": "train",
        "x": [0, 5, 9],
        "mean": [1.0, 3.0, 2.0],
        "low": [1.0, 3.0, 2.0],
        "high": [1.0, 3.0, 2.0],
        "exact": True,
    }


def test_a_long_curve_comes_in_no_more_steps_than_asked_for(api: Api, long_curve: str) -> None:
    curve = only(api, long_curve, steps=100)

    assert len(curve["x"]) <= 100
    assert curve["exact"] is False


def test_spikes_stay_however_few_the_steps(api: Api, long_curve: str) -> None:
    curve = only(api, long_curve, steps=10)

    assert (min(curve["low"]), max(curve["high"])) == (-1e6, 1e6)


def test_spikes_stay_on_a_curve_that_was_not_packed(api: Api, task: str) -> None:
    report(api, task, [(i, 1e6 if i == 777 else 1.0) for i in range(1000)])

    assert max(only(api, task, steps=10)["high"]) == 1e6


def test_a_part_of_a_curve_comes_in_full(api: Api, long_curve: str) -> None:
    curve = only(api, long_curve, **{"from": 7_775, "to": 7_780}, steps=1000)

    assert curve["x"] == list(range(7_775, 7_781))
    assert curve["mean"] == [1.0, 1.0, 1e6, 1.0, -1e6, 1.0]
    assert curve["exact"] is True


def test_a_part_may_be_open_at_an_end(api: Api, long_curve: str) -> None:
    assert only(api, long_curve, **{"from": MANY - 3})["x"] == list(range(MANY - 3, MANY))
    assert only(api, long_curve, to=2)["x"] == [0, 1, 2]


def test_a_part_may_be_named_by_times(api: Api, long_curve: str) -> None:
    curve = only(api, long_curve, key="timestamp", **{"from": 77_770, "to": 77_790})

    assert curve["x"] == [77_770, 77_780, 77_790]


def test_spikes_stay_over_time(api: Api, long_curve: str) -> None:
    assert max(only(api, long_curve, key="timestamp", steps=10)["high"]) == 1e6


def test_only_the_named_metrics_are_drawn(api: Api, task: str) -> None:
    report(api, task, [(0, 1.0)])
    report(api, task, [(0, 1.0)], metric="accuracy")

    assert only(api, task, metrics=[{"metric": "accuracy"}])["metric"] == "accuracy"


def test_a_part_without_points_has_no_curve(api: Api, long_curve: str) -> None:
    assert api("events.scalar_window", task=long_curve, **{"from": MANY})["curves"] == []


def test_values_without_an_iteration_are_on_no_curve(api: Api, task: str) -> None:
    report(api, task, [(-(2**31), 1.0)])

    assert api("events.scalar_window", task=task)["curves"] == []


def test_curves_of_an_unknown_task_are_refused(api: Api) -> None:
    with pytest.raises(ApiError, match="task"):
        api("events.scalar_window", task="none")
