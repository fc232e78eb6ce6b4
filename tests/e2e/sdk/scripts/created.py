from pathlib import Path

from clearml import Task
from told import tell

Path("train.py").write_text("import argparse\nprint('trained')\n")
Path("requirements.txt").write_text("six==1.17.0\n")
from_script = Task.create(
    project_name="created",
    task_name="from script",
    script="train.py",
    requirements_file="requirements.txt",
    docker="python:3.11",
    argparse_args=[("epochs", "3")],
    add_task_init_call=True,
)
from_repository = Task.create(
    project_name="created",
    task_name="from repository",
    repo="https://example.com/team/repo.git",
    branch="main",
    commit="0123456789012345678901234567890123456789",
    script="train.py",
    working_directory="src",
    packages=["six==1.17.0", "attrs"],
)
from_module = Task.create(project_name="created", task_name="module", module="train", packages=[])


def function(a, b=2):
    return a + b


task = Task.init(project_name="created", task_name="creator")
made = task.create_function_task(function, func_name="add", task_name="from function", a=1)
tell(
    script=from_script.id,
    repository=from_repository.id,
    module=from_module.id,
    function=made.id,
    exported=sorted(from_script.export_task()),
    imported=Task.import_task({k: v for k, v in from_script.export_task().items() if k != "id"}).id,
)
task.close()
