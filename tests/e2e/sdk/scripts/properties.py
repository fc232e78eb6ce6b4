from clearml import Task
from told import tell

task = Task.init(
    project_name="properties", task_name="properties", tags=["first"], task_type="data_processing"
)
task.set_user_properties(accuracy=0.5, text="ü")
task.set_user_properties({"name": "described", "description": "what it is", "value": 3})
task.set_user_properties({"name": "gone", "value": 1})
task.delete_user_properties([("properties", "gone")])
task.add_tags(["second", "third ü"])
task.set_comment("a comment\nin two lines")
task.set_name("renamed")
task.set_base_docker("python:3.11", docker_arguments="--ipc=host", docker_setup_bash_script="true")
task.set_script(entry_point="other.py", working_dir=".")
task.set_progress(40)
task.set_initial_iteration(3)
task.move_to_project(new_project_name="properties/moved")
task.flush(wait_for_uploads=True)
again = Task.get_task(task_id=task.id)
tell(
    id=task.id,
    properties=again.get_user_properties(),
    values=again.get_user_properties(value_only=True),
    tags=again.get_tags(),
    comment=again.comment,
    name=again.name,
    type=str(again.task_type),
    container=again.get_base_docker(),
    progress=again.get_progress(),
    project=again.get_project_name(),
    page=task.get_output_log_web_page(),
)
task.close()
