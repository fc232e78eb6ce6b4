"""Triggers on models, tasks and datasets, until each has done its work."""

import os
import threading
import time

from clearml import Dataset, InputModel, Model, Task
from clearml.automation import TriggerScheduler
from told import tell

template = Task.create(project_name="triggers", task_name="template", script="none.py")
watched = Task.create(project_name="triggers", task_name="watched", script="none.py")
called = {}
triggers = TriggerScheduler(pooling_frequency_minutes=0.01, sync_frequency_minutes=0.02)
triggers.add_task_trigger(
    name="on task",
    trigger_project="triggers",
    trigger_on_status=["completed"],
    schedule_task_id=template.id,
    schedule_queue="unserved",
    target_project="triggers/started",
    task_parameters={"Args/by": "${task.id}"},
)
triggers.add_model_trigger(
    name="on model",
    trigger_project="triggers",
    trigger_on_tags=["good"],
    schedule_function=lambda model: called.update(model=model),
)
triggers.add_dataset_trigger(
    name="on dataset",
    trigger_project="triggers",
    trigger_on_publish=True,
    schedule_function=lambda dataset: called.update(dataset=dataset),
)
threading.Thread(target=triggers.start, daemon=True).start()
time.sleep(2)  # a trigger sees what changes after its first look, which nothing announces
watched.mark_started(force=True)
watched.mark_completed()
model = InputModel.import_model(
    weights_url="https://example.com/w.bin", name="a model", project="triggers"
)
Model(model_id=model.id).tags = ["good"]
data = Dataset.create(dataset_name="data", dataset_project="triggers", use_current_task=False)
data.finalize(auto_upload=True)
data.publish()
started = []
while not started or len(called) < 2:
    started = Task.get_tasks(project_name="triggers/started", task_filter={"status": ["queued"]})
    time.sleep(0.2)
tell(
    called=called,
    model=model.id,
    dataset=data.id,
    watched=watched.id,
    started=[task.id for task in started],
)
os._exit(0)  # the loop in the thread never ends, and the SDK would wait for it
