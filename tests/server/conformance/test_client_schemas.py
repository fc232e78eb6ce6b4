"""The schemas that the clients' packages carry hold: every action, field and answer of them."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from taskyard.api import reference, wire
from tests.beds.server import Api, Running
from tests.server.asking import Document
from tests.server.conformance.client_schemas import VERSIONS, complaints, samples, schemas
from tests.server.making import new_model, new_project, new_queue, new_task

ABSENT = {"debug.ex", "debug.apiex", "tasks.share"}
"""Actions for the vendor's developers, and of the vendor's own installation."""

RETIRED = {"models.update_for_task", "models.get_by_task_id"}
"""They say what took their place to all who ask for 2.13 and later."""


def action(name: str, version: str) -> wire.Action | None:
    reference.load_services()
    asked = wire.parse_version(version)
    return next((a for a in wire.ACTIONS.get(name, ()) if a.since <= asked), None)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_action_is_there(version: str) -> None:
    documented = schemas(version)
    assert len(documented) > 50
    assert {name for name in documented if action(name, version) is None} <= ABSENT


@pytest.mark.parametrize("version", VERSIONS)
def test_every_value_of_every_field_is_taken(version: str) -> None:
    refused = []
    for name, sides in schemas(version).items():
        found, request = action(name, version), sides.get("Request", {})
        if found is None or name in RETIRED:
            continue
        types = {field.encode_name: field.type for field in msgspec.structs.fields(found.request)}
        for field, schema in request.get("properties", {}).items():
            for value in samples(schema, request):
                try:
                    msgspec.convert(value, types.get(field, Any), strict=False)
                except msgspec.ValidationError as error:
                    # Objects of the samples are empty.
                    if "missing required field" not in str(error):
                        refused.append(f"{name} {field}={value!r}: {error}")
    assert refused == []


class Things:
    """One of everything, with something in every field that clients show."""

    def __init__(self, api: Api) -> None:
        self.project = new_project(api, description="d", tags=["a"])
        self.model = new_model(
            api, project=self.project, labels={"cat": 1}, tags=["a"], framework="f", comment="c"
        )
        self.task = new_task(
            api,
            project=self.project,
            tags=["a"],
            comment="c",
            script={"repository": "r", "entry_point": "e", "requirements": {"pip": ["x"]}},
            hyperparams={"Args": {"lr": {"section": "Args", "name": "lr", "value": "1"}}},
            configuration={"net": {"name": "net", "value": "{}"}},
            container={"image": "i", "arguments": "-e A=1"},
            models={"input": [{"name": "base", "model": self.model}]},
            execution={
                "artifacts": [{"key": "k", "type": "t", "uri": "file:///k", "content_size": 1}]
            },
        )
        api("tasks.started", task=self.task)
        event = {"task": self.task, "iter": 1, "metric": "m", "variant": "v"}
        api.batch(
            "events.add_batch",
            [
                {"type": "log", "task": self.task, "msg": "hello"},
                {**event, "type": "training_stats_scalar", "value": 1.5},
                {**event, "type": "training_debug_image", "url": "http://host/image.png"},
                {**event, "type": "plot", "plot_str": "{}"},
                {**event, "type": "training_stats_vector", "values": [1.0]},
            ],
        )
        self.queue, waiting = new_queue(api), new_task(api)
        api(
            "queues.add_or_update_metadata", queue=self.queue, metadata=[{"key": "k", "value": "v"}]
        )
        api("tasks.enqueue", task=waiting, queue=self.queue)
        api(
            "workers.status_report",
            worker="of the schemas",
            timestamp=int(time.time() * 1000),
            task=self.task,
            queue=self.queue,
            queues=[self.queue],
            machine_stats={"cpu_usage": [10, 20], "gpu_usage": [30], "memory_used": 5},
        )

    def requests(self) -> dict[str, Document]:
        now = time.time()
        span = {"from_date": now - 120, "to_date": now + 60, "interval": 40}
        curve = {"task": self.task, "metric": "m", "variant": "v"}
        usage = [{"key": "cpu_usage", "category": "avg", "aggregation": "avg"}]
        return {
            "auth.get_credentials": {},
            "debug.ping": {},
            "events.debug_images": {"metrics": [curve], "task": self.task, "metric": "m"},
            "events.get_debug_image_sample": curve,
            "events.get_multi_task_plots": {"tasks": [self.task]},
            "events.get_plot_sample": curve,
            "events.get_scalar_metric_data": curve,
            "events.get_scalar_metrics_and_variants": {"task": self.task},
            "events.get_task_events": {"task": self.task},
            "events.get_task_latest_scalar_values": {"task": self.task},
            "events.get_task_log": {"task": self.task},
            "events.get_task_metrics": {"tasks": [self.task]},
            "events.get_task_plots": {"task": self.task},
            "events.get_task_single_value_metrics": {"tasks": [self.task]},
            "events.multi_task_scalar_metrics_iter_histogram": {"tasks": [self.task]},
            "events.plots": {"metrics": [curve]},
            "events.scalar_metrics_iter_histogram": {"task": self.task},
            "events.vector_metrics_iter_histogram": curve,
            "models.get_all": {"id": [self.model]},
            "models.get_by_id": {"model": self.model},
            "models.get_frameworks": {},
            "organization.get_tags": {"include_system": True},
            "projects.get_all": {"id": [self.project]},
            "projects.get_by_id": {"project": self.project},
            "projects.get_hyper_parameters": {"project": self.project},
            "projects.get_task_tags": {"include_system": True},
            "projects.get_unique_metric_variants": {"project": self.project},
            "queues.get_all": {"search_hidden": True},
            "queues.get_by_id": {"queue": self.queue},
            "queues.get_default": {},
            "queues.get_queue_metrics": span,
            "tasks.get_all": {"search_hidden": True},
            "tasks.get_by_id": {"task": self.task},
            "tasks.get_hyper_params": {"tasks": [self.task]},
            "tasks.get_types": {},
            "workers.get_activity_report": span,
            "workers.get_all": {"last_seen": 0},
            "workers.get_metric_keys": {},
            "workers.get_stats": {**span, "items": usage, "split_by_variant": False},
        }


@pytest.fixture(scope="module")
def things(server: Running) -> Things:
    return Things(Api(server))


LIST_OF_METADATA = {"queues.get_all": {"2.13", "2.20"}, "queues.get_by_id": {"2.13", "2.20"}}
"""Schemas that call the metadata of queues a list, where their own clients take an object."""


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_have_the_documented_types(api: Api, things: Things, version: str) -> None:
    wrong = []
    for name, body in things.requests().items():
        answer = schemas(version).get(name, {}).get("Response")
        if answer is None or version in LIST_OF_METADATA.get(name, ()):
            continue
        found = api.as_version(version)(name, **body)
        wrong += [f"{name}{words}" for words in complaints(found, answer, answer)]
    assert wrong == []
