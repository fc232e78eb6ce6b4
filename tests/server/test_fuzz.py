"""Nothing a client can send is answered with a server fault, or without an envelope."""

from __future__ import annotations

import string
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskyard.client.http import Answer
from tests.beds.server import Api, Running

fuzz = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(answer: Answer) -> None:
    """An envelope that says done, or that the caller was wrong."""
    envelope = msgspec.json.decode(answer.body)
    assert set(envelope) == {"meta", "data"}
    assert envelope["meta"]["result_code"] == answer.status
    assert answer.status == 200 or 400 <= answer.status < 500, envelope["meta"]


@pytest.fixture(scope="module")
def task(server: Running) -> str:
    api = Api(server)
    project = api("projects.create", name="fuzz/below")["id"]
    api("models.create", name="fuzz", uri="file:///fuzz", tags=["a"])
    made = api(
        "tasks.create",
        name="fuzz",
        type="training",
        project=project,
        tags=["a", "b"],
        hyperparams={"Args": {"a.b": {"section": "Args", "name": "a.b", "value": "1"}}},
    )
    return str(made["id"])


numbers = st.integers() | st.floats()
words = st.text(max_size=12) | st.sampled_from(["__$all", "__$not", "__$or", "-a", ">=2020-01-01"])
leaves = st.none() | st.booleans() | numbers | words
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)

# --- the query language --------------------------------------------------------------------

FIELDS = """
id name user tags system_tags type status project parent created started comment report
active_duration status_changed last_update last_change last_iteration runtime.x framework uri
hyperparams hyperparams.Args hyperparams.Args.a.b.value execution.queue models.input.model
last_metrics last_metrics.a.b.value metadata.k.value ready path basename script.branch
configuration.c.value container.image entries company company_origin doc * @text_score
"""
fields = st.sampled_from(FIELDS.split()) | words
prefixed = st.tuples(st.sampled_from(["", "-", "+", "$"]), fields).map("".join)
group = st.fixed_dictionaries(
    {}, optional={"include": st.lists(leaves, max_size=3), "exclude": st.lists(leaves, max_size=3)}
)
rules = st.dictionaries(
    fields,
    st.fixed_dictionaries(
        {},
        optional={
            "any": group | anything,
            "all": group | anything,
            "op": st.sampled_from(["and", "or"]) | anything,
        },
    ),
    max_size=2,
)
several = st.fixed_dictionaries(
    {},
    optional={
        "fields": st.lists(fields, max_size=3) | anything,
        "pattern": words | st.sampled_from(["(", "[a", "a{1000}", "(?=a)", "\\1", "\\p{L}"]),
        "datetime": st.lists(words, max_size=3) | anything,
    },
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "order_by": st.lists(prefixed, max_size=3) | anything,
        "only_fields": st.lists(prefixed, max_size=3) | anything,
        "projection": st.lists(prefixed, max_size=3),
        "page": st.integers(-2, 3) | anything,
        "page_size": st.integers(-2, 600) | anything,
        "size": st.integers(-1, 5) | anything,
        "scroll_id": words | anything,
        "refresh_scroll": anything,
        "search_text": words | anything,
        "search_hidden": anything,
        "allow_public": anything,
        "include_subprojects": anything,
        "filters": rules | anything,
        "_any_": several | anything,
        "_all_": several | anything,
        "_or_": several | anything,
        "_and_": several | anything,
    },
)
filtered = st.dictionaries(fields, st.lists(leaves, max_size=4) | anything, max_size=3)
FOUND = ("tasks", "models", "projects", "queues", "users", "reports")


@fuzz
@given(service=st.sampled_from(FOUND), form=st.sampled_from(["", "_ex"]), data=st.data())
def test_queries(api: Api, task: str, service: str, form: str, data: st.DataObject) -> None:
    query = data.draw(queries) | data.draw(filtered)
    if (service, form) == ("reports", ""):
        form = "_ex"
    check(api.send("POST", f"/{service}.get_all{form}", msgspec.json.encode(query)))


# --- batches -------------------------------------------------------------------------------

events = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            [
                *("log", "training_stats_scalar", "training_stats_vector"),
                *("training_debug_image", "plot"),
            ]
        ),
        "task": st.just("TASK") | anything,
        "timestamp": numbers | anything,
        "iter": numbers | anything,
        "metric": words | anything,
        "variant": words | anything,
        "value": numbers | anything,
        "values": st.lists(numbers, max_size=3) | anything,
        "msg": words | anything,
        "url": words | anything,
        "key": words | anything,
        "worker": words | anything,
        "plot_str": words | anything,
        "level": anything,
        "x_axis_label": anything,
        "allow_locked": anything,
        "model_event": anything,
        "skip_validation": anything,
    },
)
updates = st.fixed_dictionaries(
    {},
    optional={
        "task": st.just("TASK") | anything,
        "name": words | anything,
        "tags": st.lists(words, max_size=2) | anything,
        "comment": anything,
        "project": anything,
        "created": anything,
    },
)
LINES = {"Content-Type": "application/json-lines"}


def batch_of(lines: list[Any], task: str) -> bytes:
    return b"\n".join(msgspec.json.encode(line) for line in lines).replace(
        b'"TASK"', f'"{task}"'.encode()
    )


@fuzz
@given(lines=st.lists(events | anything, max_size=5))
def test_batches_of_events(api: Api, task: str, lines: list[Any]) -> None:
    check(api.send("POST", "/events.add_batch", batch_of(lines, task), LINES))
    for name in ("events.get_task_log", "events.get_task_plots", "events.get_task_events"):
        check(api.send("POST", f"/{name}", msgspec.json.encode({"task": task})))


@fuzz
@given(lines=st.lists(updates | anything, max_size=5))
def test_batches_of_updates(api: Api, task: str, lines: list[Any]) -> None:
    check(api.send("POST", "/tasks.update_batch", batch_of(lines, task), LINES))


@fuzz
@given(
    pieces=st.lists(
        st.sampled_from([b'{"type":"log"}', b"\n", b"\r\n", b"{", b"[]", b"null", b"\xe2\x80\xa8"])
        | st.binary(max_size=8),
        max_size=6,
    ),
    name=st.sampled_from(["events.add_batch", "tasks.update_batch", "events.add", "tasks.get_all"]),
    kind=st.sampled_from(["application/json-lines", "application/json", "", "text/plain"]),
)
def test_bodies_of_any_bytes(api: Api, pieces: list[bytes], name: str, kind: str) -> None:
    check(api.send("POST", f"/{name}", b"".join(pieces), {"Content-Type": kind}))


# --- query strings and forms ---------------------------------------------------------------

keys = st.sampled_from(
    [
        "name",
        "id[]",
        "tags",
        "tags[]",
        "page",
        "order_by",
        "_any_.fields",
        "_any_.pattern",
        "a.b",
        "a",
    ]
)
pairs = st.lists(
    st.tuples(keys | words, words | st.sampled_from(["true", "1", "1.5", "9" * 40, "null"])),
    max_size=5,
)
raw = st.text(string.ascii_letters + string.digits + "%&=.[]+;", max_size=30)
encoded = raw | pairs.map(lambda ps: "&".join(f"{quote(k)}={quote(v)}" for k, v in ps))


@fuzz
@given(
    name=st.sampled_from(["tasks.get_all", "queues.get_all_ex", "projects.create", "auth.login"]),
    query=encoded,
    form=encoded,
)
def test_query_strings_and_forms(api: Api, name: str, query: str, form: str) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    check(api.send("POST", f"/{name}?{query}", form.encode(), kind))


# --- the API's own description -------------------------------------------------------------


def test_requests_made_from_the_description_find_no_fault(server: Running) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("run", f"{server.url}/openapi.json"),
            *("--auth", f"{server.access_key}:{server.secret_key}"),
            *("--checks", "not_a_server_error,response_schema_conformance"),
            *("--phases", "fuzzing", "--max-examples", "2", "--seed", "1"),
            *("--no-shrink", "--suppress-health-check", "all", "--warnings", "off"),
            # JSON lines are no form it knows; they have tests of their own above.
            *("--exclude-path-regex", "batch$"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
