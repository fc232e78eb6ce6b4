"""Samples gathered into intervals."""

from __future__ import annotations

from taskyard.server.domain.statistics import (
    SECOND,
    Measurement,
    QueueSample,
    Sighting,
    activity,
    flatten,
    grid,
    metric_series,
    queue_series,
    total_series,
)

START = 1_000 * SECOND


def test_intervals_are_whole_multiples_and_a_cut_one_is_left_out() -> None:
    over = grid(START + 5 * SECOND, START + 95 * SECOND, 40)
    assert over.dates() == [1_000_000, 1_040_000]


def test_short_intervals_are_raised() -> None:
    assert grid(START, START + 100 * SECOND, 1, shortest=40).step == 40 * SECOND


def test_of_a_queue_the_sample_with_the_longest_waiting_counts() -> None:
    samples = [
        QueueSample("q", START, 1, 5.0),
        QueueSample("q", START + 1, 7, 9.0),
        QueueSample("q", START + 2, 2, 1.0),
        QueueSample("q", START + 20 * SECOND, 3, 2.0),
    ]
    assert queue_series(samples, 10)[:3] == (
        [1_000_000, 1_020_000],
        [9.0, 2.0],
        [7, 3],
    )


def test_all_queues_together_add_up_and_remember_the_quiet_ones() -> None:
    samples = [
        QueueSample("a", START, 1, 10.0),
        QueueSample("b", START, 3, 2.0),
        QueueSample("b", START + 10 * SECOND, 1, 20.0),
    ]
    found = total_series(samples, 10)
    assert found[:3] == ([1_000_000, 1_010_000], [4.0, 15.0], [4, 2])


def test_a_quiet_queue_counts_as_it_was_left() -> None:
    samples = [
        QueueSample("a", START, 1, 10.0),
        QueueSample("a", START + 1, 0, 0.0),
        QueueSample("b", START + 10 * SECOND, 2, 1.0),
    ]
    assert total_series(samples, 10).lengths == [1, 2]


def test_a_metric_is_averaged_or_taken_at_its_extremes() -> None:
    over = grid(START, START + 120 * SECOND, 40)
    samples = [
        Measurement(START + 1, "0", 1.0, 1.0, 1.0),
        Measurement(START + 2, "1", 3.0, 3.0, 3.0),
    ]
    assert metric_series(samples, over, "avg") == [2.0, 0, 0]
    assert metric_series(samples, over, "min") == [1.0, 0, 0]
    assert metric_series(samples, over, "max") == [3.0, 0, 0]


def test_a_worker_counts_once_an_interval_and_as_active_with_a_task() -> None:
    over = grid(START, START + 80 * SECOND, 40)
    seen = [
        Sighting(START, "a", None),
        Sighting(START + 1, "a", "task"),
        Sighting(START + 2, "b", None),
        Sighting(START + 40 * SECOND, "b", None),
    ]
    assert activity(seen, over) == ([2, 1], [1, 0])


def test_a_report_is_taken_apart_by_unit() -> None:
    stats = {
        "cpu_usage": [1.5, 0, 2],
        "memory_used": 100,
        "disk_read": 0,
        "gpu_usage": None,
        "network_tx": "x",
    }
    assert flatten(stats) == [
        ("cpu", "cpu_usage", "0", 1.5),
        ("cpu", "cpu_usage", "2", 2.0),
        ("memory", "memory_used", "total", 100.0),
    ]
