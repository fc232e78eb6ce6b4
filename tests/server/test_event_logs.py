"""The console of a task."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from taskyard.api.errors import ApiError
from taskyard.server.domain import console
from taskyard.server.jobs import compaction
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.events import logs
from taskyard.server.store.telemetry_tables import log_chunks
from tests.beds.server import Api, Running


@pytest.fixture
def task(api: Api) -> str:
    found: str = api("tasks.create", name="prints", type="training")["id"]
    return found


def line(task: str, text: str, time: int) -> dict[str, Any]:
    return {"type": "log", "task": task, "msg": text, "timestamp": time, "level": "INFO"}


def fill(api: Api, task: str, count: int) -> None:
    api.batch("events.add_batch", [line(task, str(i), 1000 + i) for i in range(count)])


def texts(page: Any) -> list[str]:
    return [event["msg"] for event in page["events"]]


def test_an_event_comes_back_as_it_was_sent(api: Api, task: str) -> None:
    api.batch("events.add_batch", [{**line(task, "hello", 5), "worker": "w", "iter": 3}])

    assert api("events.get_task_log", task=task)["events"] == [
        {
            "type": "log",
            "task": task,
            "timestamp": 5,
            "worker": "w",
            "msg": "hello",
            "level": "INFO",
            "iter": 3,
        }
    ]


def test_the_console_is_read_from_its_end(api: Api, task: str) -> None:
    fill(api, task, 10)

    page = api("events.get_task_log", task=task, batch_size=3)

    assert texts(page) == ["9", "8", "7"]
    assert (page["returned"], page["total"]) == (3, 10)


def test_the_end_can_be_asked_for_in_reading_order(api: Api, task: str) -> None:
    fill(api, task, 10)

    assert texts(api("events.get_task_log", task=task, batch_size=3, order="asc")) == [
        "7",
        "8",
        "9",
    ]


def test_the_console_is_read_from_its_start(api: Api, task: str) -> None:
    fill(api, task, 10)

    page = api("events.get_task_log", task=task, batch_size=3, navigate_earlier=False)

    assert texts(page) == ["0", "1", "2"]


def test_the_start_can_be_asked_for_in_reverse(api: Api, task: str) -> None:
    fill(api, task, 10)

    page = api("events.get_task_log", task=task, batch_size=3, navigate_earlier=False, order="desc")

    assert texts(page) == ["2", "1", "0"]


@pytest.mark.parametrize(("earlier", "expected"), [(True, ["3", "2"]), (False, ["5", "6"])])
def test_reading_goes_on_from_any_moment(
    api: Api, task: str, earlier: bool, expected: list[str]
) -> None:
    fill(api, task, 10)

    page = api(
        "events.get_task_log",
        task=task,
        batch_size=2,
        navigate_earlier=earlier,
        from_timestamp=1004,
    )

    assert texts(page) == expected


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("compacted", [False, True])
def test_pages_by_time_hold_every_event_once(
    server: Running, api: Api, task: str, earlier: bool, compacted: bool
) -> None:
    # Two machines with clocks that differ write in turns, many lines within one millisecond.
    luck = random.Random(7)
    sent = [line(task, str(i), luck.randrange(60) + (i // 20) * 10) for i in range(400)]
    for start in range(0, len(sent), 10):
        api.batch("events.add_batch", sent[start : start + 10])
    if compacted:
        server.await_(compaction.run(server.server))

    found, start_at = [], None
    while True:
        page = api(
            "events.get_task_log",
            task=task,
            batch_size=17,
            navigate_earlier=earlier,
            from_timestamp=start_at,
        )
        if not page["events"]:
            break
        found += page["events"]
        start_at = page["events"][-1]["timestamp"]

    times = [event["timestamp"] for event in found]
    assert times == sorted(times, reverse=earlier)
    assert sorted(texts({"events": found}), key=int) == [str(i) for i in range(400)]


def test_lines_of_one_moment_keep_the_order_of_their_arrival(
    server: Running, api: Api, task: str
) -> None:
    for start in range(0, 80, 2):
        api.batch("events.add_batch", [line(task, str(start + i), 5) for i in range(2)])
    server.await_(compaction.run(server.server))
    api.batch("events.add_batch", [line(task, "80", 5)])

    page = api("events.get_task_log", task=task, order="asc")

    assert texts(page) == [str(i) for i in range(81)]


def test_a_large_report_is_kept_as_it_came_until_it_is_packed(
    server: Running, api: Api, task: str
) -> None:
    said = [f"step {i} " + "word " * 20 for i in range(200)]
    api.batch("events.add_batch", [line(task, text, i) for i, text in enumerate(said)])
    before = server.await_(server.server.telemetry.read(partial(_size, task=task)))
    server.await_(compaction.run(server.server))

    assert server.await_(server.server.telemetry.read(partial(_size, task=task))) < before / 4
    assert texts(api("events.get_task_log", task=task, order="asc")) == said


def _size(tx: Tx, task: str) -> int:
    """Bytes that the console of a task has."""
    query = select(func.sum(func.length(log_chunks.c.data))).where(log_chunks.c.task == task)
    return int(tx.execute(query).scalar_one())


def test_many_small_reports_are_packed_into_few_chunks(
    server: Running, api: Api, task: str
) -> None:
    for i in range(logs.LOOSE):
        api("events.add", **line(task, str(i), i))

    server.await_(compaction.run(server.server))

    chunks = server.await_(
        server.server.telemetry.read(
            lambda tx: tx.connection.exec_driver_sql(
                f"SELECT count(*) FROM log_chunks WHERE task = '{task}'"  # noqa: S608
            ).scalar()
        )
    )
    assert chunks == 1


def test_an_old_client_reads_page_by_page(api: Api, task: str) -> None:
    fill(api, task, 5)
    old = api.as_version("2.5")

    first = old("events.get_task_log", task=task, batch_size=3)
    second = old("events.get_task_log", task=task, batch_size=3, scroll_id=first["scroll_id"])

    assert texts(first) + texts(second) == ["0", "1", "2", "3", "4"]
    assert second["total"] == 5


def test_an_old_client_reads_the_end_in_order(api: Api, task: str) -> None:
    fill(api, task, 5)
    body = {"task": task, "from": "tail", "order": "asc", "batch_size": 2}

    assert texts(api.as_version("2.5")("events.get_task_log", **body)) == ["3", "4"]


def test_the_console_of_an_unknown_task_is_an_error(api: Api) -> None:
    with pytest.raises(ApiError) as caught:
        api("events.get_task_log", task="0" * 32)

    assert caught.value.kind == (400, 101)


def test_the_console_can_be_cleared(api: Api, task: str) -> None:
    fill(api, task, 10)

    assert api("events.clear_task_log", task=task) == {"deleted": 10}
    assert api("events.get_task_log", task=task)["events"] == []


def test_only_old_events_can_be_cleared(api: Api, task: str) -> None:
    fill(api, task, 10)
    api("events.add", type="log", task=task, msg="now")

    assert api("events.clear_task_log", task=task, threshold_sec=3600) == {"deleted": 10}
    assert texts(api("events.get_task_log", task=task)) == ["now"]


def test_the_console_can_be_downloaded_as_text(api: Api, task: str) -> None:
    fill(api, task, 2)

    answer = api.send("GET", f"/events.download_task_log?task={task}")

    assert answer.body.decode().splitlines() == [
        "1970-01-01T00:00:01.000Z  INFO 0",
        "1970-01-01T00:00:01.001Z  INFO 1",
    ]


def test_the_console_can_be_downloaded_as_json(api: Api, task: str) -> None:
    fill(api, task, 3)

    answer = api.send("GET", f"/events.download_task_log?task={task}&line_type=json")

    assert [msgspec.json.decode(text)["msg"] for text in answer.body.splitlines()] == [
        "0",
        "1",
        "2",
    ]


def test_a_line_format_reaches_fields_and_nothing_else(api: Api, task: str) -> None:
    fill(api, task, 1)
    query = "line_type=text&line_format=%7Bmsg%7D-%7Bmsg.__class__%7D-%7Bnone%7D"

    answer = api.send("GET", f"/events.download_task_log?task={task}&{query}")

    assert answer.body == b"0-{msg.__class__}-\n"


# Output of runs


def say(server: Running, task: str, offset: int, text: str, size: int | None = None) -> int:
    kept: int = server.await_(
        server.server.telemetry.write(
            lambda tx: logs.append_output(
                tx, task, 1, offset, text, size=size, worker="w", time=offset
            )
        )
    )
    return kept


def test_output_that_is_sent_again_is_kept_once(server: Running, api: Api, task: str) -> None:
    assert say(server, task, 0, "one\n") == 4
    assert say(server, task, 0, "one\n") == 4
    assert say(server, task, 4, "two\n") == 8

    assert texts(api("events.get_task_log", task=task, order="asc")) == ["one", "two"]


def test_output_after_a_gap_is_asked_for_again(server: Running, api: Api, task: str) -> None:
    assert say(server, task, 100, "late\n") == 0

    assert api("events.get_task_log", task=task)["events"] == []


def test_output_may_stand_for_more_bytes_than_its_text(server: Running, task: str) -> None:
    assert say(server, task, 0, "\ufffd", size=1) == 1


def test_a_piece_that_ends_within_a_line_says_so(server: Running, api: Api, task: str) -> None:
    say(server, task, 0, "loading ")

    assert api("events.get_task_log", task=task)["events"][0]["partial"] is True


def test_long_output_is_cut_between_lines() -> None:
    text = "".join(f"line {i}\n" for i in range(20_000))

    pieces = list(console.pieces(text))

    assert "".join(pieces) == text
    assert all(piece.endswith("\n") and len(piece) <= console.PIECE for piece in pieces)


def test_a_line_without_end_is_cut_all_the_same() -> None:
    text = "x" * (3 * console.PIECE)

    assert "".join(console.pieces(text)) == text


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("a\n10%\r50%\r100%\n", "a\n100%\n"),
        ("a\n10%\r50%\r", "a\n50%\r"),
        ("10%\r50%", "\r50%"),
        ("\r50%", "\r50%"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("a\n10%\r20%\nb\n", "a\n20%\nb\n"),
    ],
)
def test_of_an_overwritten_line_the_last_state_is_kept(printed: str, kept: str) -> None:
    assert "".join(console.pieces(printed)) == kept
