"""A scheduler, until the task that it starts waits in its queue."""

import os
import threading
import time

from clearml import Task
from clearml.automation import TaskScheduler
from told import tell

template = Task.create(project_name="schedules", task_name="template", script="none.py")
scheduler = TaskScheduler(sync_frequency_minutes=0.02)
scheduler.add_task(
    name="each hour",
    schedule_task_id=template.id,
    queue="unserved",
    target_project="schedules/started",
    hour=1,
    execute_immediately=True,
    task_parameters={"Args/by": "scheduler"},
)
threading.Thread(target=scheduler.start, daemon=True).start()
started = []
while not started:
    started = Task.get_tasks(project_name="schedules/started", task_filter={"status": ["queued"]})
    time.sleep(0.2)
tell(template=template.id, started=[task.id for task in started])
os._exit(0)  # the loop in the thread never ends, and the SDK would wait for it
