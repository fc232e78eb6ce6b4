"""Starts here, goes on where an agent runs it."""

import argparse

from clearml import Task

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
args = parser.parse_args()
task = Task.init(project_name="remote", task_name="remote", output_uri=True)
settings = task.connect({"rate": 0.1}, name="Settings")
print("so far on", "the agent" if not Task.running_locally() else "this machine")
if Task.running_locally():
    from told import tell

    tell(id=task.id)
task.execute_remotely(queue_name="default", exit_process=True)
for epoch in range(args.epochs):
    loss = settings["rate"] / (epoch + 1)
    task.get_logger().report_scalar("loss", "train", value=loss, iteration=epoch)
task.upload_artifact("result", {"epochs": args.epochs, "rate": settings["rate"]})
print("finished on the agent")
