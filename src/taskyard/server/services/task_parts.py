"""Editing parts of a task: hyper-parameters, configuration, artifacts, models, runtime."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, update

from taskyard.api import tasks as api
from taskyard.api.task_parts import Artifact
from taskyard.server.call import Call, reads, writes
from taskyard.server.domain import paths, task_edit, task_fields
from taskyard.server.domain.task_fields import Sent
from taskyard.server.store.database.engine import Tx
from taskyard.server.store.database.times import to_wire
from taskyard.server.store.documents import documents
from taskyard.server.store.documents.kinds import TASK
from taskyard.server.store.tables import tasks
from taskyard.server.store.tasks import tasks as store


def _live(tx: Tx, call: Call, task: str, field: str, *, force: bool) -> Any:
    """A field of a task whose parts may be changed."""
    found = store.for_edit(tx, call, task, field)
    task_edit.require_live(task, found["status"], force=force)
    return paths.at(found, field)


def _several(tx: Tx, call: Call, ids: list[str], field: str) -> list[dict[str, Any]]:
    """A field of each of several tasks, in the order of ``ids``.

    Raises ApiError INVALID_TASK_ID for the first that is not known.
    """
    return [documents.get(tx, TASK, task, call, only=["id", field]) for task in dict.fromkeys(ids)]


@reads(api.GetHyperParams)
def get_hyper_params(tx: Tx, call: Call, request: api.GetHyperParams) -> api.ParamsResponse:
    return api.ParamsResponse(
        params=[
            {"task": task["id"], "hyperparams": task_edit.param_list(task["hyperparams"])}
            for task in _several(tx, call, request.tasks, "hyperparams")
        ]
    )


@writes(api.EditHyperParams)
def edit_hyper_params(tx: Tx, call: Call, request: api.EditHyperParams) -> api.UpdatedResponse:
    task = store.for_edit(tx, call, request.task, "hyperparams")
    if not task_edit.only_properties(request.hyperparams, request.replace_hyperparams):
        task_edit.require_live(request.task, task["status"], force=request.force)
    known = task_edit.edit_params(
        task["hyperparams"], request.hyperparams, request.replace_hyperparams
    )
    return _updated(tx, call, request.task, {"hyperparams": known})


@writes(api.DeleteHyperParams)
def delete_hyper_params(tx: Tx, call: Call, request: api.DeleteHyperParams) -> api.DeletedResponse:
    task = store.for_edit(tx, call, request.task, "hyperparams")
    if not task_edit.only_properties(request.hyperparams):
        task_edit.require_live(request.task, task["status"], force=request.force)
    known = task_edit.delete_params(task["hyperparams"], request.hyperparams)
    return _deleted(tx, call, request.task, {"hyperparams": known})


@reads(api.GetConfigurations)
def get_configurations(
    tx: Tx, call: Call, request: api.GetConfigurations
) -> api.ConfigurationsResponse:
    return api.ConfigurationsResponse(
        configurations=[
            {
                "task": task["id"],
                "configuration": task_edit.configuration_list(task["configuration"], request.names),
            }
            for task in _several(tx, call, request.tasks, "configuration")
        ]
    )


@reads(api.GetConfigurationNames)
def get_configuration_names(
    tx: Tx, call: Call, request: api.GetConfigurationNames
) -> api.ConfigurationsResponse:
    return api.ConfigurationsResponse(
        configurations=[
            {
                "task": task["id"],
                "names": [
                    name
                    for name, item in sorted(task["configuration"].items())
                    if item.get("value") or not request.skip_empty
                ],
            }
            for task in _several(tx, call, request.tasks, "configuration")
        ]
    )


@writes(api.EditConfiguration)
def edit_configuration(tx: Tx, call: Call, request: api.EditConfiguration) -> api.UpdatedResponse:
    known = _live(tx, call, request.task, "configuration", force=request.force)
    found = task_edit.edit_configuration(
        known, request.configuration, replace=request.replace_configuration
    )
    return _updated(tx, call, request.task, {"configuration": found})


@writes(api.DeleteConfiguration)
def delete_configuration(
    tx: Tx, call: Call, request: api.DeleteConfiguration
) -> api.DeletedResponse:
    known = _live(tx, call, request.task, "configuration", force=request.force)
    found = task_edit.delete_configuration(known, request.configuration)
    return _deleted(tx, call, request.task, {"configuration": found})


@writes(api.AddOrUpdateArtifacts)
def add_or_update_artifacts(
    tx: Tx, call: Call, request: api.AddOrUpdateArtifacts
) -> api.UpdatedResponse:
    _add_artifacts(tx, call, request.task, request.artifacts, force=request.force)
    return api.UpdatedResponse(updated=1)


@writes(api.AddOrUpdateArtifactsBefore210)
def add_or_update_artifacts_before_2_10(
    tx: Tx, call: Call, request: api.AddOrUpdateArtifactsBefore210
) -> api.ArtifactKeysResponse:
    added = _add_artifacts(tx, call, request.task, request.artifacts, force=request.force)
    keys = dict.fromkeys(a.key for a in request.artifacts)
    return api.ArtifactKeysResponse(added=added, updated=[k for k in keys if k not in added])


def _add_artifacts(
    tx: Tx, call: Call, task: str, artifacts: list[Artifact], *, force: bool
) -> list[str]:
    known = _live(tx, call, task, "execution.artifacts", force=force)
    new = [task_fields.artifact(a) for a in artifacts]
    found, added = task_edit.add_artifacts(known or [], new)
    store.write(tx, call, task, {("execution", "artifacts"): found})
    return added


@writes(api.DeleteArtifacts)
def delete_artifacts(tx: Tx, call: Call, request: api.DeleteArtifacts) -> api.DeletedResponse:
    known = _live(tx, call, request.task, "execution.artifacts", force=request.force)
    left = task_edit.delete_artifacts(known or [], request.artifacts)
    return _deleted(tx, call, request.task, {("execution", "artifacts"): left})


@writes(api.AddOrUpdateModel)
def add_or_update_model(tx: Tx, call: Call, request: api.AddOrUpdateModel) -> api.UpdatedResponse:
    known = _live(tx, call, request.task, "models", force=True)
    store.check_models(tx, call, [request.model])
    item: Sent = {"name": request.name, "model": request.model, "updated": to_wire(tx.now)}
    found = {**known, request.type: task_edit.set_model(known.get(request.type) or [], item)}
    answer = _updated(tx, call, request.task, {"models": found})
    if request.iteration is not None:
        _raise_iteration(tx, request.task, request.iteration)
    return answer


def _raise_iteration(tx: Tx, task: str, iteration: int) -> None:
    tx.execute(
        update(tasks)
        .where(tasks.c.id == task, func.coalesce(tasks.c.last_iteration, 0) < iteration)
        .values(last_iteration=iteration)
    )


@writes(api.DeleteModels)
def delete_models(tx: Tx, call: Call, request: api.DeleteModels) -> api.UpdatedResponse:
    known = _live(tx, call, request.task, "models", force=True)
    found = task_edit.delete_models(known, request.models)
    return _updated(tx, call, request.task, {"models": found})


@writes(api.EditRuntime)
def edit_runtime(tx: Tx, call: Call, request: api.EditRuntime) -> api.UpdatedResponse:
    known = store.for_edit(tx, call, request.task, "runtime")["runtime"]
    found = {**known, **(request.add_or_update or {})}
    for name in request.remove or ():
        found.pop(name, None)
    return _updated(tx, call, request.task, {"runtime": found})


@writes(api.SetRequirements)
def set_requirements(tx: Tx, call: Call, request: api.SetRequirements) -> api.FieldsResponse:
    store.for_edit(tx, call, request.task)
    updated = store.write(
        tx, call, request.task, {("script", "requirements"): request.requirements}
    )
    return api.FieldsResponse(
        updated=updated, fields={"script": {"requirements": request.requirements}}
    )


def _updated(tx: Tx, call: Call, task: str, sets: dict[Any, Any]) -> api.UpdatedResponse:
    return api.UpdatedResponse(updated=store.write(tx, call, task, sets))


def _deleted(tx: Tx, call: Call, task: str, sets: dict[Any, Any]) -> api.DeletedResponse:
    return api.DeletedResponse(deleted=store.write(tx, call, task, sets))
