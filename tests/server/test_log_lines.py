"""The console of a task by lines: read by number, by attempt, and searched."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api.errors import ApiError
from taskyard.server.domain import console
from taskyard.server.domain.console import Line
from taskyard.server.jobs import compaction
from taskyard.server.store.events import log_lines, logs
from tests.beds.server import Api, Running


@pytest.fixture
def task(api: Api) -> str:
    found: str = api("tasks.create", name="prints", type="training")["id"]
    return found


def add(api: Api, task: str, *texts: str, at: int = 1000) -> None:
    lines = [
        {"type": "log", "task": task, "msg": text, "timestamp": at + place, "worker": "w"}
        for place, text in enumerate(texts)
    ]
    api.batch("events.add_batch", lines)


def say(
    server: Running, task: str, text: str, *, offset: int = 0, attempt: int = 1, at: int = 0
) -> None:
    server.await_(
        server.server.telemetry.write(
            lambda tx: logs.append_output(tx, task, attempt, offset, text, worker="w", time=at)
        )
    )


def numbered(lines: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(line["line"], line["text"]) for line in lines]


# Reading by number


def test_lines_are_read_by_their_numbers(api: Api, task: str) -> None:
    add(api, task, *(f"line {i}" for i in range(10)))

    found = api("events.read_log", task=task, first=4, limit=2)

    assert numbered(found["lines"]) == [(4, "line 4"), (5, "line 5")]
    assert found["total"] == 10


def test_a_line_tells_when_and_where_it_was_printed(api: Api, task: str) -> None:
    add(api, task, "hello", at=77)

    assert api("events.read_log", task=task)["lines"] == [
        {"line": 0, "timestamp": 77, "worker": "w", "text": "hello"}
    ]


def test_an_event_of_several_lines_counts_as_so_many(api: Api, task: str) -> None:
    add(api, task, "a\nb", "c")

    found = api("events.read_log", task=task, first=1)

    assert numbered(found["lines"]) == [(1, "b"), (2, "c")]


def test_the_last_lines_are_read_by_counting_from_the_end(api: Api, task: str) -> None:
    add(api, task, "a", "b", "c")

    found = api("events.read_log", task=task, first=-2)

    assert numbered(found["lines"]) == [(1, "b"), (2, "c")]


def test_a_line_that_came_in_pieces_is_one(server: Running, api: Api, task: str) -> None:
    say(server, task, "one\nloa")
    say(server, task, "ding\ntwo\n", offset=7)

    found = api("events.read_log", task=task)

    assert numbered(found["lines"]) == [(0, "one"), (1, "loading"), (2, "two")]


def test_reading_may_begin_at_a_line_that_came_in_pieces(
    server: Running, api: Api, task: str
) -> None:
    say(server, task, "one\nloa")
    say(server, task, "ding\ntwo\n", offset=7)

    found = api("events.read_log", task=task, first=1, limit=1)

    assert numbered(found["lines"]) == [(1, "loading")]


def test_a_line_that_is_not_over_is_the_last(server: Running, api: Api, task: str) -> None:
    say(server, task, "one\nloading")

    found = api("events.read_log", task=task)

    assert numbered(found["lines"]) == [(0, "one"), (1, "loading")]
    assert found["total"] == 2


def test_the_very_first_line_is_whole_however_many_pieces_it_came_in(
    server: Running, api: Api, task: str
) -> None:
    for offset, text in enumerate("a b"):
        say(server, task, text, offset=offset)
    assert numbered(api("events.read_log", task=task)["lines"]) == [(0, "a b")]
    say(server, task, " c\nd", offset=3)
    found = api("events.read_log", task=task)["lines"]
    assert numbered(found) == [(0, "a b c"), (1, "d")]


def test_numbers_stay_when_chunks_are_joined(server: Running, api: Api, task: str) -> None:
    for i in range(logs.LOOSE):
        add(api, task, f"a{i}", f"b{i}\nc{i}", at=1000 * i)
    before = api("events.read_log", task=task)

    server.await_(compaction.run(server.server))

    assert api("events.read_log", task=task) == before


def test_an_empty_console_has_no_lines(api: Api, task: str) -> None:
    assert api("events.read_log", task=task) == {"lines": [], "total": 0, "attempts": []}


def test_lines_of_an_unknown_task_are_refused(api: Api) -> None:
    with pytest.raises(ApiError, match="task"):
        api("events.read_log", task="none")


# By attempt


def test_attempts_tell_at_which_line_they_begin(server: Running, api: Api, task: str) -> None:
    say(server, task, "a\nb\n")
    say(server, task, "c\n", attempt=2)

    found = api("events.read_log", task=task)["attempts"]

    assert found == [{"attempt": 1, "first": 0}, {"attempt": 2, "first": 2}]


def test_one_attempt_is_read_alone(server: Running, api: Api, task: str) -> None:
    for number, text in enumerate(("a\nb\n", "c\nd\n", "e\n"), start=1):
        say(server, task, text, attempt=number)

    found = api("events.read_log", task=task, attempt=2)

    assert numbered(found["lines"]) == [(2, "c"), (3, "d")]


def test_the_end_of_one_attempt_is_read_alone(server: Running, api: Api, task: str) -> None:
    say(server, task, "a\nb\n")
    say(server, task, "c\n", attempt=2)

    found = api("events.read_log", task=task, attempt=1, first=-1)

    assert numbered(found["lines"]) == [(1, "b")]


def test_an_attempt_that_printed_nothing_has_no_lines(server: Running, api: Api, task: str) -> None:
    say(server, task, "a\n")

    assert api("events.read_log", task=task, attempt=7)["lines"] == []


def test_attempts_move_up_when_the_beginning_is_cleared(
    server: Running, api: Api, task: str
) -> None:
    say(server, task, "a\nb\n", at=0)
    say(server, task, "c\n", attempt=2, at=2**52)

    api("events.clear_task_log", task=task, threshold_sec=60)

    found = api("events.read_log", task=task, attempt=2)
    assert numbered(found["lines"]) == [(0, "c")]


# Searching


def test_lines_with_a_text_are_found_with_their_numbers(api: Api, task: str) -> None:
    add(api, task, "epoch 1", "loss 0.5", "epoch 2")

    found = api("events.search_log", task=task, pattern="epoch")

    assert numbered(found["hits"]) == [(0, "epoch 1"), (2, "epoch 2")]
    assert (found["total"], found["complete"]) == (2, True)


def test_a_text_is_taken_as_it_stands(api: Api, task: str) -> None:
    add(api, task, "axb", "a.b")

    assert numbered(api("events.search_log", task=task, pattern="a.b")["hits"]) == [(1, "a.b")]


def test_a_regular_expression_is_found_within_lines(api: Api, task: str) -> None:
    add(api, task, "loss 1", "loss 12", "x loss 3\nloss 4")

    found = api("events.search_log", task=task, pattern=r"^loss \d$", regex=True)

    assert numbered(found["hits"]) == [(0, "loss 1"), (3, "loss 4")]


def test_no_match_reaches_over_the_end_of_a_line(api: Api, task: str) -> None:
    add(api, task, "a", "b")

    assert api("events.search_log", task=task, pattern=r"a\sb", regex=True)["total"] == 0


def test_an_empty_line_is_a_line(api: Api, task: str) -> None:
    add(api, task, "a", "", "b")

    assert numbered(api("events.search_log", task=task, pattern="^$", regex=True)["hits"]) == [
        (1, "")
    ]


def test_case_matters_unless_it_is_not_to(api: Api, task: str) -> None:
    add(api, task, "Error", "error")

    assert api("events.search_log", task=task, pattern="error")["total"] == 1
    assert api("events.search_log", task=task, pattern="error", ignore_case=True)["total"] == 2


def test_a_line_with_several_matches_is_one_hit(api: Api, task: str) -> None:
    add(api, task, "a a a")

    assert api("events.search_log", task=task, pattern="a")["total"] == 1


def test_all_hits_are_counted_and_the_first_are_given(api: Api, task: str) -> None:
    add(api, task, *(f"hit {i}" for i in range(30)))

    found = api("events.search_log", task=task, pattern="hit", limit=3)

    assert [hit["line"] for hit in found["hits"]] == [0, 1, 2]
    assert found["total"] == 30


def test_a_search_goes_on_after_a_hit(api: Api, task: str) -> None:
    add(api, task, *(f"hit {i}" for i in range(30)))

    found = api("events.search_log", task=task, pattern="hit", first=28)

    assert [hit["line"] for hit in found["hits"]] == [28, 29]


def test_a_search_out_of_time_says_where_to_go_on(
    server: Running, api: Api, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "AT_ONCE", 1)
    for number in range(3):
        add(api, task, f"hit {number}", at=number)

    first = api("events.search_log", task=task, pattern="hit", seconds=0)
    assert (first["complete"], first["searched"], first["total"]) == (False, 1, 1)

    rest = api("events.search_log", task=task, pattern="hit", first=first["searched"])
    assert (rest["complete"], rest["total"]) == (True, 2)


def test_a_text_is_found_across_the_pieces_a_line_came_in(
    server: Running, api: Api, task: str
) -> None:
    say(server, task, "one\nloa")
    say(server, task, "ding\nloading\n", offset=7)

    found = api("events.search_log", task=task, pattern="loading")

    assert numbered(found["hits"]) == [(1, "loading"), (2, "loading")]


def test_a_line_that_is_not_over_is_searched(server: Running, api: Api, task: str) -> None:
    say(server, task, "one\nloading")

    assert numbered(api("events.search_log", task=task, pattern="load")["hits"]) == [(1, "loading")]


def test_one_attempt_is_searched_alone(server: Running, api: Api, task: str) -> None:
    for number in (1, 2, 3):
        say(server, task, "same\n", attempt=number)

    assert numbered(api("events.search_log", task=task, pattern="same", attempt=2)["hits"]) == [
        (1, "same")
    ]


def test_old_lines_are_left_out(api: Api, task: str) -> None:
    add(api, task, "hit 0", "hit 1", "hit 2", at=500)
    add(api, task, "hit 3", at=100)

    found = api("events.search_log", task=task, pattern="hit", since=501)

    assert [hit["line"] for hit in found["hits"]] == [1, 2]
    assert found["total"] == 2


def test_a_pattern_that_is_none_is_refused(api: Api, task: str) -> None:
    with pytest.raises(ApiError, match="missing"):
        api("events.search_log", task=task, pattern="(", regex=True)


def test_a_joined_console_is_searched_the_same(server: Running, api: Api, task: str) -> None:
    for i in range(logs.LOOSE):
        add(api, task, f"a{i}", f"b{i}\nc{i}", at=1000 * i)
    before = api("events.search_log", task=task, pattern="[ac]1", regex=True)

    server.await_(compaction.run(server.server))

    assert api("events.search_log", task=task, pattern="[ac]1", regex=True) == before


# The order of several writers


def test_a_reader_who_counts_misses_nothing_of_many_writers(
    server: Running, api: Api, task: str
) -> None:
    def write(who: int) -> None:
        mine = Api(server)
        for i in range(25):
            add(mine, task, f"{who}-{i}")

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    while True:
        over = not any(writer.is_alive() for writer in writers)
        found = api("events.read_log", task=task, first=len(seen))["lines"]
        seen += [line["text"] for line in found]
        if over and not found:
            break

    assert sorted(seen) == sorted(f"{who}-{i}" for who in range(4) for i in range(25))


# How events are packed

EVENTS = st.builds(
    Line,
    st.integers(0, 2**53),
    st.sampled_from(["", "w", "w:1"]),
    st.text(st.characters(codec="utf-8") | st.just("\n"), max_size=40),
    st.sampled_from([None, {"level": "INFO"}, {"partial": True}]),
)


@given(st.lists(EVENTS, min_size=1, max_size=20))
def test_packed_events_come_back(events: list[Line]) -> None:
    assert console.unpack(console.pack(events)) == events


@given(st.lists(EVENTS, min_size=1, max_size=20))
def test_packed_lines_are_the_text_as_printed(events: list[Line]) -> None:
    printed = "".join(event.msg + ("" if event.partial else "\n") for event in events)

    assert console.packed_lines(console.pack(events)).decode() == printed
