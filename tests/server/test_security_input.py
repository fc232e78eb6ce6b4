"""Input that means harm: what is kept and said of secrets, sly words, and foreign pages."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from taskyard.client.http import Answer, Connection
from taskyard.server.store import tables
from taskyard.server.store.database.engine import Tx
from tests.beds.server import Api, Running


def code(answer: Answer) -> tuple[int, int]:
    meta = msgspec.json.decode(answer.body)["meta"]
    return meta["result_code"], meta["result_subcode"]


def call(api: Api, name: str, body: Any) -> Answer:
    return api.send("POST", f"/{name}", msgspec.json.encode(body))


@pytest.fixture(scope="module")
def stranger(server: Running) -> Connection:
    return Connection(server.url)


# --- what is kept, and what is said --------------------------------------------------------


def test_keys_passwords_and_tokens_are_in_no_file_and_no_log(
    server: Running, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    password = uuid.uuid4().hex
    name = f"kept {uuid.uuid4().hex}"
    made = api("auth.create_user", name=name, username=name, password=password)
    keys = api("auth.create_credentials")["credentials"]
    token = api.as_user(keys["access_key"], keys["secret_key"])("auth.login")["token"]
    failed = api.send("POST", f"/users.get_by_id?user={made['id']}x", b"{")
    kept = b"".join(
        path.read_bytes() for path in server.server.settings.folder.rglob("*") if path.is_file()
    )
    if server.server.control.dialect == "postgresql":
        kept += repr(server.await_(server.server.control.read(everything))).encode()
    assert keys["access_key"].encode() in kept, "the key is not where it is looked for"
    said = kept + failed.body + caplog.text.encode()
    secrets = [password, keys["secret_key"], server.secret_key, token]
    assert not [secret for secret in secrets if secret.encode() in said]


def everything(tx: Tx) -> list[Any]:
    return [tuple(row) for t in tables.metadata.sorted_tables for row in tx.execute(select(t))]


# --- words that are meant for somebody else ------------------------------------------------

SLY = [
    "'; DROP TABLE tasks; --",
    '"; DROP TABLE tasks; --',
    "a' OR '1'='1",
    "%",
    "_",
    "$.doc",
    "$[0]",
    "{a,b}",
    'a"b',
    "a\\b",
    "[*]",
    "?",
    ":name",
    "%(name)s",
    "..",
    ".",
    "",
    "x" * 10_000,
    ".".join("x" * 300),
]


@pytest.mark.parametrize("word", SLY, ids=lambda word: word[:20] or "empty")
@pytest.mark.parametrize("service", ["tasks", "models"])
def test_names_and_fields_cannot_change_a_query(api: Api, service: str, word: str) -> None:
    own = api("projects.create", name=f"sly {uuid.uuid4().hex}")["id"]
    for query in (
        {"name": word},
        {"id": [word]},
        {"tags": [word]},
        {"order_by": [f"-{word}"]},
        {"order_by": [f"last_metrics.{word}.value"]},
        {"order_by": [f"metadata.{word}"]},
        {"only_fields": [word, f"hyperparams.{word}"]},
        {word: [word]},
        {f"hyperparams.{word}": [word]},
        {f"runtime.{word}": word},
        {f"last_metrics.{word}.value": [1, 2]},
        {"_any_": {"fields": [word], "pattern": "a"}},
        {"filters": {word: {"any": {"include": [word]}}}},
        {"search_text": word},
    ):
        assert code(call(api, f"{service}.get_all_ex", query))[0] in {200, 400}, query
    assert api("projects.get_by_id", project=own)["project"]["id"] == own


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}", "((a*)*)*b", "(x+x+)+y"])
def test_a_pattern_made_to_be_slow_is_answered(api: Api, pattern: str) -> None:
    api("queues.create", name=f"{'a' * 60}! {uuid.uuid4().hex}")
    assert code(call(api, "queues.get_all", {"name": pattern}))[0] in {200, 400}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("queues.create", {"name": "a\0b"}),
        ("tasks.create", {"name": "a", "type": "training", "comment": "a\0b"}),
        ("tasks.create", {"name": "a", "type": "training", "runtime": {"a\0b": "c"}}),
        ("tasks.get_all", {"id": ["a\0b"]}),
        ("tasks.get_all", {"_any_": {"fields": ["name"], "pattern": "\0"}}),
        ("tasks.update_tags", {"ids": ["x"], "add_tags": ["\0"]}),
        ("events.get_task_log", {"task": "a\0b"}),
        ("users.set_preferences", {"preferences": {"a": {"b": ["\0"]}}}),
    ],
)
def test_a_nul_character_is_refused_on_every_database(
    api: Api, name: str, body: dict[str, Any]
) -> None:
    assert code(call(api, name, body)) == (400, 12)


@pytest.mark.parametrize("query", ["name=a%00b", "name=a&runtime.x%00=1"])
def test_a_nul_character_in_the_query_string_is_refused(api: Api, query: str) -> None:
    assert code(api.send("POST", f"/queues.create?{query}")) == (400, 12)


def test_a_text_that_only_spells_a_nul_is_kept(api: Api) -> None:
    name = f"\\u0000 {uuid.uuid4().hex}"
    id = api("queues.create", name=name)["id"]
    assert api("queues.get_by_id", queue=id)["queue"]["name"] == name


def test_what_a_program_prints_may_hold_a_nul(api: Api) -> None:
    task = api("tasks.create", name="prints", type="training")["id"]
    api.batch("events.add_batch", [{"type": "log", "task": task, "msg": "a\0b"}])
    found = api("events.get_task_log", task=task)["events"]
    assert [event["msg"] for event in found] == ["a\0b"]


def test_an_event_with_a_nul_in_its_names_does_not_take_others_along(api: Api) -> None:
    task = api("tasks.create", name="reports", type="training")["id"]
    fit = {"type": "training_stats_scalar", "task": task, "metric": "m", "iter": 1, "value": 1}
    image = {"type": "training_debug_image", "task": task, "metric": "m", "iter": 1}
    sent = [
        fit,
        {**fit, "metric": "m\0"},
        {**image, "url": "http://a/b", "key": "a\0"},
        {**fit, "task": "\0"},
        {**fit, "x_axis_label": "\0"},
        {**image, "url": "\0"},
    ]
    assert api.batch("events.add_batch", sent)["added"] == 3


# --- the browser ---------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8008", "127.0.0.1.evil.example"])
def test_a_page_that_has_its_name_point_here_is_not_signed_in(
    stranger: Connection, host: str
) -> None:
    assert "set-cookie" not in stranger.request("GET", "/", b"", {"Host": host}).headers


def test_a_form_of_a_foreign_page_acts_for_nobody(api: Api, stranger: Connection) -> None:
    token = api("auth.login")["token"]
    headers = {
        "Cookie": f"clearml_token_basic={token}",
        "Sec-Fetch-Site": "cross-site",
        "Origin": "https://evil.example",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = stranger.request("POST", "/queues.create", b"name=made+by+evil", headers)
    assert code(answer) == (401, 20)


@pytest.mark.parametrize("end", ["%0d%0aSet-Cookie:%20a=b", "%0aX-Evil:%201", "%22%3b%20x=y"])
def test_a_file_name_cannot_add_a_header(api: Api, end: str) -> None:
    path = f"/files/headers/file{end}"
    assert api.send("PUT", path, b"content").status in {200, 400}
    answer = api.send("GET", f"{path}?download")
    assert not {"set-cookie", "x-evil"} & {name.lower() for name in answer.headers}


@pytest.mark.parametrize(
    "dots", ["..", "%2e%2e", "%252e%252e", "%c0%ae%c0%ae", "%ef%bc%8e%ef%bc%8e"]
)
def test_no_way_of_writing_dots_leads_out_of_the_files(
    server: Running, api: Api, dots: str
) -> None:
    name = f"{uuid.uuid4().hex}.txt"
    (server.server.settings.folder / name).write_text("outside")
    for way in (
        f"/files/{dots}/{name}",
        f"/files/a/{dots}/{dots}/{name}",
        f"/files/%2f{dots}/{name}",
    ):
        assert b"outside" not in api.send("GET", way).body
        api.send("PUT", way, b"overwritten")
        api.send("DELETE", way)
    assert (server.server.settings.folder / name).read_text() == "outside"
