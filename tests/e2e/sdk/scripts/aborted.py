"""Asks to be told when it is aborted, and takes its time over it."""

import signal
import time

from clearml import Task

signal.signal(signal.SIGTERM, signal.SIG_DFL)
task = Task.init(project_name="aborted", task_name="aborted")
if Task.running_locally():
    from told import tell

    tell(id=task.id)
    task.execute_remotely(queue_name="default", exit_process=True)


def leave() -> None:
    print("leaving", flush=True)
    time.sleep(3)
    print("left in order", flush=True)


task.register_abort_callback(leave, callback_execution_timeout=60.0)
print("registered", flush=True)
time.sleep(600)
