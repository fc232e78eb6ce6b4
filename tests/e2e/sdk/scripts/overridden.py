"""Started with CLEARML_TASK_ID and told to be remote: parameters come from the server."""

import argparse

from clearml import Task
from told import tell

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--flag", type=bool, default=False)
task = Task.init(project_name="parameters", task_name="overridden")
args = parser.parse_args()
plain = task.connect({"rate": 0.1, "nested": {"names": ["a"]}, "nothing": None}, name="Plain")
settings = task.connect_configuration({"depth": 2}, name="settings")
tell(id=task.id, epochs=args.epochs, flag=args.flag, plain=dict(plain), settings=dict(settings))
task.close()
