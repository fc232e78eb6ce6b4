"""Reports from the processes of a pool, with the SDK's reporting process that is its default."""

from multiprocessing import Pool

from clearml import Task
from told import tell


def work(number):
    Task.current_task().get_logger().report_scalar("work", f"part {number}", number, 1)
    print(f"part {number} done")
    return number


if __name__ == "__main__":
    task = Task.init(project_name="spread", task_name="spread")
    with Pool(2) as pool:
        pool.map(work, range(4))
    tell(id=task.id)
    task.close()
