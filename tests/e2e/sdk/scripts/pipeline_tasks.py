"""A pipeline of tasks that runs where agents are, its controller too."""

from clearml import PipelineController, Task

STEP = """
from clearml import Task

task = Task.init()
given = task.connect({"factor": 1, "earlier": ""}, name="General")
print("factor", given["factor"], "after", given["earlier"])
task.upload_artifact("doubled", 2 * given["factor"], wait_on_upload=True)
"""


def make_template():
    with open("step.py", "w") as file:
        file.write(STEP)
    Task.create(project_name="pipelines", task_name="step", script="step.py", packages=["clearml"])


if __name__ == "__main__":
    pipe = PipelineController("tasks", "pipelines", "2.0", pool_frequency=0.01)
    if Task.running_locally():
        make_template()
    pipe.add_step(
        "first",
        base_task_project="pipelines",
        base_task_name="step",
        parameter_override={"General/factor": 3},
        execution_queue="default",
    )
    pipe.add_step(
        "second",
        parents=["first"],
        base_task_project="pipelines",
        base_task_name="step",
        parameter_override={"General/earlier": "${first.id}", "General/factor": 5},
        execution_queue="default",
    )
    if Task.running_locally():
        from told import tell

        tell(id=pipe.id)
    pipe.start(queue="services")
