import click
from clearml import Task
from told import tell


@click.command()
@click.option("--count", default=1, type=int)
@click.option("--name", default="nobody")
@click.option("--shout/--no-shout", default=False)
def main(count, name, shout):
    task = Task.current_task()
    tell(id=task.id, count=count, name=name, shout=shout)


if __name__ == "__main__":
    Task.init(project_name="parameters", task_name="click", reuse_last_task_id=False)
    main()
