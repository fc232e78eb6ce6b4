"""Waits to be stopped from elsewhere, as a script on its user's machine."""

import time

from clearml import Task
from told import tell

task = Task.init(project_name="stopped", task_name="stopped")
tell(id=task.id)
time.sleep(100)
