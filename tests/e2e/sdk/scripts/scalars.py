from clearml import Task
from told import tell

task = Task.init(project_name="reporting/scalars", task_name="scalars")
log = task.get_logger()
for iteration in range(10):
    log.report_scalar("loss", "train", value=1 / (iteration + 1), iteration=iteration)
    log.report_scalar("loss", "test", value=2 / (iteration + 1), iteration=iteration)
    log.report_scalar("accuracy", "top 5 %", value=iteration / 10, iteration=iteration)
log.report_single_value("best loss", 0.1)
log.report_single_value("epochs", 10)
task.flush(wait_for_uploads=True)

again = Task.get_task(task_id=task.id)
tell(
    id=task.id,
    scalars=again.get_reported_scalars(),
    sampled=again.get_reported_scalars(max_samples=2),
    by_time=again.get_reported_scalars(x_axis="timestamp"),
    all=again.get_all_reported_scalars(),
    single=again.get_reported_single_values(),
    one=again.get_reported_single_value("epochs"),
    last=again.get_last_scalar_metrics(),
    iteration=again.get_last_iteration(),
)
task.close()
