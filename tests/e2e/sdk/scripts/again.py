"""Run several times: which task is used is said by the arguments."""

import json
import sys

from clearml import Task
from told import tell

task = Task.init(project_name="again", task_name="again", **json.loads(sys.argv[1]))
first = task.get_last_iteration()
for iteration in range(3):
    task.get_logger().report_scalar("loss", "train", value=iteration, iteration=iteration)
task.flush(wait_for_uploads=True)
tell(id=task.id, first=first, curve=task.get_reported_scalars()["loss"]["train"]["x"])
task.close()
if len(sys.argv) > 2:
    second = Task.init(project_name="again", task_name="second in a process")
    tell(second=second.id)
