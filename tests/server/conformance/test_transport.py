"""How calls travel: paths and versions, methods, bodies, the envelope, its errors."""

from __future__ import annotations

import json
import uuid
from typing import Any

import msgspec
import pytest

from taskyard.client.http import Answer, Connection
from tests.beds.server import Api, Running
from tests.server.asking import Document
from tests.server.making import new_task, unique

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LINES = {"Content-Type": "application/json-lines"}


def envelope(answer: Answer) -> Document:
    decoded: Document = msgspec.json.decode(answer.body)
    assert decoded["meta"]["result_code"] == answer.status
    return decoded


def data(answer: Answer) -> Document:
    decoded = envelope(answer)
    assert answer.status == 200, decoded["meta"]
    found: Document = decoded["data"]
    return found


def kind(answer: Answer) -> tuple[int, int]:
    meta = envelope(answer)["meta"]
    return meta["result_code"], meta["result_subcode"]


def echo(
    api: Api, body: bytes = b"", headers: dict[str, str] | None = None, query: str = ""
) -> Any:
    return data(api.send("POST", f"/debug.echo{query}", body, headers))


# --- paths, versions and methods -----------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_calls_an_action(api: Api, method: str) -> None:
    assert data(api.send(method, "/debug.echo", b'{"a": 1}', JSON)) == {"a": 1}


def test_options_are_answered_with_nothing(server: Running) -> None:
    answer = Connection(server.url).request("OPTIONS", "/tasks.get_all")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "requested"),
    [
        ("/v2.1/queues.get_all", "2.1"),
        ("/v2.9/queues.get_all", "2.9"),
        ("/v2.13/queues.get_all", "2.13"),
        ("/v2.34/queues.get_all", "2.34"),
        ("/v999.0/queues.get_all", "999.0"),
        ("/queues.get_all", "2.34"),
        ("/queues.get_all/", "2.34"),
    ],
)
def test_the_version_in_the_path_is_said_back(api: Api, path: str, requested: str) -> None:
    endpoint = envelope(api.send("GET", path))["meta"]["endpoint"]
    assert (endpoint["name"], endpoint["requested_version"]) == ("queues.get_all", requested)
    assert isinstance(endpoint["actual_version"], str)


@pytest.mark.parametrize("version", ["2.0", "1.9", "1.0"])
def test_versions_before_the_first_are_served_and_said_as_numbers(api: Api, version: str) -> None:
    answer = api.send("GET", f"/v{version}/queues.get_all")
    assert data(answer)["queues"]
    endpoint = envelope(answer)["meta"]["endpoint"]
    assert endpoint["requested_version"] == float(version)
    assert isinstance(endpoint["actual_version"], float)


def test_a_name_has_the_shape_of_its_time(api: Api) -> None:
    task = new_task(api)
    body = msgspec.json.encode({"task": task})
    old = data(api.send("POST", "/v2.5/events.get_task_log", body))
    new = data(api.send("POST", "/v2.9/events.get_task_log", body))
    assert "scroll_id" in old
    assert set(new) == {"events", "returned", "total"}


@pytest.mark.parametrize(
    "path",
    [
        "/tasks.no_such_action",
        "/no_such_service.get_all",
        "/v2.20/tasks.no_such_action",
        "/v2.1/events.clear_scroll",
        "/v2.9/events.clear_scroll",
    ],
)
def test_what_is_not_there_is_an_envelope_all_the_same(api: Api, path: str) -> None:
    answer = api.send("POST", path)
    assert kind(answer) == (404, 0)
    decoded = envelope(answer)
    assert decoded["data"] == {}
    assert decoded["meta"]["endpoint"]["actual_version"] is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/tasks"),
        ("POST", "/v2.13/tasks/get_all"),
        ("PUT", "/tasks.get-all"),
        ("POST", "/V2.13/tasks.get_all"),
        ("GET", "/api/v2.13/tasks.get_all"),
    ],
)
def test_a_path_that_misses_the_api_gets_its_envelope(api: Api, method: str, path: str) -> None:
    answer = api.send(method, path, b"{}")
    assert kind(answer) == (404, 0)
    assert envelope(answer)["meta"]["endpoint"]["name"] == path.strip("/")


@pytest.mark.parametrize("version", ["2", "2.", "2.x", "2.1.3", "2-1", "1" * 5000 + ".1"])
def test_a_version_that_is_none_is_refused(api: Api, version: str) -> None:
    assert kind(api.send("GET", f"/v{version}/queues.get_all")) == (400, 2)


def test_versions_are_compared_by_their_numbers(api: Api) -> None:
    """2.9 is older than 2.18."""
    assert kind(api.send("POST", "/v2.18/events.clear_scroll", b'{"scroll_id": "x"}')) == (200, 0)


# --- the envelope --------------------------------------------------------------------------


def test_the_head_of_an_answer_is_complete(api: Api) -> None:
    answer = api.send("POST", "/v2.13/debug.echo")
    meta = envelope(answer)["meta"]
    assert meta == {
        "id": meta["id"],
        "trx": meta["id"],
        "endpoint": {
            "name": "debug.echo",
            "requested_version": "2.13",
            "actual_version": meta["endpoint"]["actual_version"],
        },
        "result_code": 200,
        "result_subcode": 0,
        "result_msg": "OK",
        "error_stack": None,
        "error_data": {},
    }
    assert (answer.headers["content-type"] or "").startswith("application/json")


def test_each_call_has_an_id(api: Api) -> None:
    ids = {envelope(api.send("POST", "/debug.echo"))["meta"]["id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("header", ["X-ClearML-Trx", "X-Trains-Trx", "x-clearml-trx"])
def test_a_transaction_is_named_by_its_caller(api: Api, header: str) -> None:
    trx = uuid.uuid4().hex
    assert envelope(api.send("POST", "/debug.echo", b"", {header: trx}))["meta"]["trx"] == trx


def test_an_error_says_its_facts_twice(api: Api) -> None:
    answer = api.send("POST", "/tasks.get_by_id", b'{"task": "nowhere"}')
    assert kind(answer) == (400, 101)
    meta = envelope(answer)["meta"]
    assert "nowhere" in meta["result_msg"]
    assert meta["error_data"]["id"] == "nowhere"


def test_answers_are_compressed_for_those_who_take_it(api: Api) -> None:
    body = msgspec.json.encode({"text": "x" * 10_000})
    answer = api.send("POST", "/debug.echo", body, {**JSON, "Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 1000


# --- what is sent --------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"null"])
def test_nothing_is_an_empty_request(api: Api, body: bytes) -> None:
    assert echo(api, body, JSON) == {}


@pytest.mark.parametrize("headers", [JSON, {}, {"Content-Type": "text/plain"}])
def test_a_json_body_needs_no_type(api: Api, headers: dict[str, str]) -> None:
    assert echo(api, b'{"a": [1, {"b": null}]}', headers) == {"a": [1, {"b": None}]}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": NaN, "b": [Infinity, -Infinity, 1]}', {"a": None, "b": [None, None, 1]}),
        (b'{"a": "x\\udc80y", "b": "\\ud83d\\ude00"}', {"a": "x?y", "b": "\U0001f600"}),
        (b'\xef\xbb\xbf{"a": "\xc3\xbc"}', {"a": "\xfc"}),
        ('{"a": "\xfc"}'.encode("utf-16"), {"a": "\xfc"}),
    ],
)
def test_what_python_writes_beyond_json_is_understood(
    api: Api, body: bytes, found: Document
) -> None:
    assert echo(api, body, JSON) == found


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_refused(api: Api, body: bytes) -> None:
    assert envelope(api.send("POST", "/debug.echo", body, JSON))["meta"]["result_code"] == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?a=1", {"a": 1}),
        ("?a=1.5", {"a": 1.5}),
        ("?a=-3", {"a": -3}),
        ("?a=text", {"a": "text"}),
        ("?a=", {"a": ""}),
        ("?a=true&b=False", {"a": True, "b": False}),
        ("?a.b=1&a.c=x", {"a": {"b": 1, "c": "x"}}),
        ("?a[]=x", {"a": ["x"]}),
        ("?a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("?a=x&a=y&a=z", {"a": ["x", "y", "z"]}),
        ("?a=%2B%20%C3%BC", {"a": "+ ü"}),
    ],
)
def test_values_of_the_query_string_are_part_of_the_request(
    api: Api, query: str, found: Document
) -> None:
    assert echo(api, query=query) == found


def test_query_string_and_body_are_one_request(api: Api) -> None:
    assert echo(api, b'{"a": 1}', JSON, "?b=2") == {"a": 1, "b": 2}


def test_a_form_is_a_request(api: Api) -> None:
    assert echo(api, b"a=1&b.c=x&l=1&l=2", FORM) == {"a": 1, "b": {"c": "x"}, "l": [1, 2]}


def test_a_query_string_is_enough_for_a_call(api: Api) -> None:
    task = new_task(api)
    assert data(api.send("GET", f"/tasks.get_by_id?task={task}"))["task"]["id"] == task


def test_a_missing_field_is_named(api: Api) -> None:
    answer = api.send("POST", "/tasks.get_by_id", b"{}")
    assert kind(answer) == (400, 11)
    assert "task" in envelope(answer)["meta"]["result_msg"]


def test_a_null_is_as_good_as_missing(api: Api) -> None:
    assert kind(api.send("POST", "/tasks.get_by_id", b'{"task": null}')) == (400, 11)


def test_a_field_of_another_type_is_refused(api: Api) -> None:
    assert kind(api.send("POST", "/tasks.get_by_id", b'{"task": {"id": 1}}')) == (400, 12)


def test_fields_nobody_knows_are_left_alone(api: Api) -> None:
    body = msgspec.json.encode({"name": unique("queue"), "method": "get", "colour": "red"})
    assert data(api.send("GET", "/queues.create", body, JSON))["id"]


def test_compressed_requests_are_refused(api: Api) -> None:
    answer = api.send("POST", "/debug.echo", b"x", {**JSON, "Content-Encoding": "gzip"})
    assert kind(answer) == (415, 0)


def test_two_megabytes_arrive_with_a_get(api: Api) -> None:
    text = "x" * 2_000_000
    body = msgspec.json.encode({"text": text})
    assert data(api.send("GET", "/debug.echo", body, JSON))["text"] == text


# --- batches -------------------------------------------------------------------------------


def lines_of(*events: Any) -> bytes:
    return b"\n".join(msgspec.json.encode(event) for event in events)


def line_event(task: str, msg: str = "hello") -> Document:
    return {"type": "log", "task": task, "msg": msg, "method": "get"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_a_batch_is_an_object_a_line(api: Api, method: str, end: bytes) -> None:
    task = new_task(api)
    body = lines_of(line_event(task, "a"), line_event(task, "b")) + end
    answer = api.send(method, "/events.add_batch", body, LINES)
    assert data(answer) == {"added": 2, "errors": 0, "errors_info": {}}


def test_windows_line_ends_do_no_harm(api: Api) -> None:
    task = new_task(api)
    body = lines_of(line_event(task), line_event(task)).replace(b"\n", b"\r\n")
    assert data(api.send("POST", "/events.add_batch", body, LINES))["added"] == 2


def test_line_separators_within_texts_are_no_line_ends(api: Api) -> None:
    task = new_task(api)
    body = lines_of(line_event(task, "a\u2028b\u0085c\x0bd\x0ce\x1cf"))
    assert data(api.send("POST", "/events.add_batch", body, LINES))["added"] == 1
    (event,) = api("events.get_task_log", task=task)["events"]
    assert event["msg"] == "a\u2028b\u0085c\x0bd\x0ce\x1cf"


@pytest.mark.parametrize("body", [b"", b"\n\n"])
def test_an_empty_batch_is_refused(api: Api, body: bytes) -> None:
    assert kind(api.send("POST", "/events.add_batch", body, LINES)) == (400, 17)


def test_a_plain_object_is_no_batch(api: Api) -> None:
    assert kind(api.send("POST", "/events.add_batch", b"{}", JSON)) == (400, 17)


def test_a_broken_line_is_refused(api: Api) -> None:
    body = lines_of(line_event(new_task(api))) + b"\n{oops"
    assert (
        envelope(api.send("POST", "/events.add_batch", body, LINES))["meta"]["result_code"] == 400
    )


def test_a_batch_asks_who_is_there(server: Running) -> None:
    answer = Connection(server.url).request("POST", "/events.add_batch", b"{}", LINES)
    assert kind(answer) == (401, 20)


def test_a_console_may_have_printed_any_bytes(api: Api) -> None:
    task = new_task(api)
    body = lines_of(line_event(task, "a")) + b"\n"
    body += json.dumps(line_event(task, b"b\x80".decode("utf-8", "surrogateescape"))).encode()
    assert data(api.send("POST", "/events.add_batch", body, LINES))["added"] == 2
    events = api("events.get_task_log", task=task)["events"]
    assert sorted(event["msg"] for event in events) == ["a", "b?"]


def test_a_curve_with_a_gap_keeps_its_other_points(api: Api) -> None:
    task = new_task(api)
    point = {"type": "training_stats_scalar", "task": task, "metric": "m", "variant": "v"}
    points = [{**point, "iter": i, "value": v} for i, v in enumerate((1.0, float("nan"), 3.0))]
    body = "\n".join(json.dumps(p) for p in points).encode()
    assert data(api.send("POST", "/events.add_batch", body, LINES))["added"] == 3
    assert api("events.scalar_metrics_iter_histogram", task=task)["m"]["v"]["y"] == [1.0, 3.0]
