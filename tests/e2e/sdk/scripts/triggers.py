"""Triggers on tasks that complete: one calls a function, the other starts a task."""

import os
import threading
import time

from clearml import Task
from clearml.automation import TriggerScheduler
from told import tell

called = []
template = Task.create(project_name="triggers", task_name="template", script="none.py")
first = Task.create(project_name="triggers/watched", task_name="first", script="none.py")
scheduler = TriggerScheduler(pooling_frequency_minutes=0.01)
scheduler.add_task_trigger(
    name="tell me",
    schedule_function=called.append,
    trigger_project="triggers/watched",
    trigger_on_status=["completed"],
)
scheduler.add_task_trigger(
    name="start another",
    schedule_task_id=template.id,
    schedule_queue="unserved",
    trigger_project="triggers/watched",
    trigger_on_status=["completed"],
    target_project="triggers/started",
    task_parameters={"Args/of": "${task.id}"},
)
threading.Thread(target=scheduler.start, daemon=True).start()
ended = []
started = []
while not (called and started):
    # A trigger sees what happens after its first look, and nobody is told when that was.
    task = Task.create(project_name="triggers/watched", task_name="watched", script="none.py")
    task.mark_started()
    task.mark_completed()
    ended.append(task.id)
    time.sleep(0.5)
    started = Task.get_tasks(project_name="triggers/started", task_filter={"status": ["queued"]})
tell(template=template.id, ended=ended, called=called, started=[task.id for task in started])
os._exit(0)  # the loop in the thread never ends, and the SDK would wait for it
