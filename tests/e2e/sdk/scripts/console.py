import logging
import sys

from clearml import Logger, Task
from told import tell

task = Task.init(project_name="reporting/console", task_name="console")
print("printed line")
print("grüße, 你好 🎉")
print("to the other stream", file=sys.stderr)
logging.getLogger("training").warning("logged as a warning")
Logger.current_logger().report_text("reported text", level=logging.ERROR)
Logger.current_logger().report_text("not on the terminal", print_console=False)
for part in range(3):
    sys.stdout.write(f"\rprogress {part}")
print()
for number in range(500):
    print(f"line {number}")
task.flush(wait_for_uploads=True)
tell(id=task.id)
task.close()
tell(console=Task.get_task(task_id=task.id).get_reported_console_output(number_of_reports=1000))
