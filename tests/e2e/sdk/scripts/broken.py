from clearml import Task
from told import tell

task = Task.init(project_name="broken", task_name="broken")
tell(id=task.id)
print("before")
raise ValueError("broken on purpose")
