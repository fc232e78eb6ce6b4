"""Sorting events in: the quick way, for what nearly all send, ends where the careful one does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taskyard.api.errors import ApiError
from taskyard.server.domain import events as rules
from taskyard.server.domain.events import Other, Printed, Scalar
from taskyard.server.services.event_intake import Batch, sort_lines_in
from taskyard.server.store.events.reported import Owner

TASK = "a" * 32
OWNERS = {
    False: {TASK: Owner(TASK, "task", False, False), "p": Owner("p", "published", True, False)},
    True: {TASK: Owner(TASK, "model", False, False)},
}


def scalar(**more: Any) -> dict[str, Any]:
    head = {"type": "training_stats_scalar", "task": TASK, "metric": "loss", "variant": "train"}
    return {**head, "iter": 3, "value": 0.5, "timestamp": 1000, "worker": "w", **more}


def line(**more: Any) -> dict[str, Any]:
    return {"type": "log", "task": TASK, "msg": "said", "level": "INFO", "timestamp": 5, **more}


def encoded(events: list[Any]) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events)


def outcome(batch: Batch) -> str:
    batch.refuse_unfit()
    batch.refuse_strangers(OWNERS)
    batch.sum_up()
    # As text: what is no number equals nothing, not even itself.
    return repr(
        (
            batch.sent,
            batch.errors,
            dict(batch.lines),
            batch.parts,
            batch.samples,
            batch.series,
            batch.news,
        )
    )


def of_lines(body: bytes) -> str:
    batch = Batch(7, "caller")
    sort_lines_in(batch, body)
    return outcome(batch)


def of_objects(events: list[Any]) -> str:
    batch = Batch(7, "caller")
    for event in events:
        batch.accept(event)
    return outcome(batch)


SENT = [
    scalar(),
    scalar(unknown={"a": [1]}),
    scalar(iter=None, timestamp=None, worker=None),
    scalar(value=7),
    scalar(value="0.25"),
    scalar(value=None),
    scalar(value=1e400),
    scalar(value=float("nan")),
    scalar(iter="12"),
    scalar(iter=2.5),
    scalar(iter=2**63),
    scalar(timestamp="99"),
    scalar(timestamp=-1),
    scalar(metric=5),
    scalar(metric="a\0b"),
    scalar(x_axis_label="epoch"),
    scalar(x_axis_label="a\0b"),
    scalar(metric=":monitor:gpu"),
    scalar(model_event=True),
    scalar(model_event=1),
    scalar(task="p"),
    scalar(task="p", allow_locked=True),
    scalar(task="missing"),
    scalar(task="a\0"),
    scalar(task=""),
    scalar(type=None),
    line(),
    line(method="get"),
    line(level=None),
    line(level=3),
    line(msg=None),
    line(msg=12),
    line(asctime="now", extra=[1, None]),
    line(iter=4, metric="m", variant="v"),
    line(model_event=True),
    line(timestamp=None),
    line(msg="a\0b\n"),
    {"type": "plot", "task": TASK, "metric": "p", "variant": "v", "iter": 1, "plot_str": "{}"},
    {"type": "plot", "task": TASK, "plot_str": 5},
    {"type": "training_debug_image", "task": TASK, "url": "u", "key": "k"},
    {"type": "song", "task": TASK},
    {},
    "text",
    None,
    5,
]


@pytest.mark.parametrize("event", SENT, ids=map(str, range(len(SENT))))
def test_a_line_ends_as_the_same_object_would(event: Any) -> None:
    known = json.loads(json.dumps(event), parse_constant=lambda _: None)

    assert of_lines(encoded([event])) == of_objects([known])


def test_a_mixed_batch_ends_as_the_same_objects_would() -> None:
    known = [json.loads(json.dumps(event), parse_constant=lambda _: None) for event in SENT]

    assert of_lines(encoded(SENT)) == of_objects(known)


def test_what_nearly_all_clients_send_is_taken_the_quick_way() -> None:
    found = rules.decode_lines(encoded([scalar(), line(), line(method="get")]) + b"\n")

    assert found is not None
    assert [type(event) for event in found] == [Scalar, Printed, Printed]


def test_a_plot_is_left_to_the_careful_way() -> None:
    plot = {"type": "plot", "task": TASK, "plot_str": "{}"}

    assert rules.decode_lines(encoded([line(), plot])) is None
    assert isinstance(rules.accept(plot), Other)


@pytest.mark.parametrize(
    "body",
    [
        encoded([line()]) + encoded([line()]) + b"\n",
        encoded([line()]) + b"\n{oops\n",
        b'{"type":"log",\n"task":"x"}\n',
    ],
)
def test_what_is_no_json_line_refuses_the_batch(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        sort_lines_in(Batch(7, ""), body)

    assert "not JSON" in caught.value.what


def test_blank_lines_are_passed_over() -> None:
    body = b"\n" + encoded([line()]) + b"\r\n \n" + encoded([line()]) + b"\r\n\n"

    batch = Batch(7, "")
    sort_lines_in(batch, body)

    assert batch.sent == 2
