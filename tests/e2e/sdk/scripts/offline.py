import sys

from clearml import Task
from told import tell

if len(sys.argv) > 1:
    tell(imported=Task.import_offline_session(sys.argv[1]))
    raise SystemExit

Task.set_offline(offline_mode=True)
task = Task.init(project_name="offline", task_name="offline", tags=["made offline"])
task.connect({"rate": 0.1})
for iteration in range(3):
    task.get_logger().report_scalar("loss", "train", value=iteration, iteration=iteration)
task.get_logger().report_table("table", "rows", iteration=1, table_plot=[["a"], ["b"]])
task.upload_artifact("settings", {"a": 1})
print("printed offline")
task.close()
tell(session=str(task.get_offline_mode_folder()) + ".zip")
