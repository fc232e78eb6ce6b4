import logging
import sys

from clearml import Task
from clearml.automation import (
    DiscreteParameterRange,
    GridSearch,
    HyperParameterOptimizer,
    RandomSearch,
    UniformIntegerParameterRange,
    UniformParameterRange,
)
from clearml.automation.optuna import OptimizerOptuna
from told import tell

kind, template, where = sys.argv[1:]
logging.getLogger("clearml.automation.optimization").setLevel("INFO")
task = Task.init(
    project_name="search", task_name=kind, task_type="optimizer", reuse_last_task_id=False
)
grid = [
    DiscreteParameterRange("Args/x", values=[1.0, 2.0]),
    DiscreteParameterRange("Args/y", values=[1]),
]
# Wide enough that no sample comes twice: a search does not try one again.
ranges = [
    UniformParameterRange("Args/x", min_value=0.0, max_value=4.0),
    UniformIntegerParameterRange("Args/y", min_value=0, max_value=1000),
]
search = HyperParameterOptimizer(
    base_task_id=template,
    hyper_parameters=grid if kind == "grid" else ranges,
    objective_metric_title="quality",
    objective_metric_series="test",
    objective_metric_sign="max",
    optimizer_class={"grid": GridSearch, "random": RandomSearch, "optuna": OptimizerOptuna}[kind],
    max_number_of_concurrent_tasks=2,
    execution_queue="default",
    total_max_jobs=2,
    pool_period_min=0.02,
    max_iteration_per_job=10,
)
search.set_report_period(0.05)
if where == "locally":
    search.start_locally()
else:
    search.start()
search.wait()
best = search.get_top_experiments(top_k=2)
details = search.get_top_experiments_details(top_k=2, all_hyper_parameters=True)
search.stop()
tell(
    id=task.id,
    best=[one.id for one in best],
    values=[one.get_last_scalar_metrics()["quality"]["test"]["last"] for one in best],
    parameters=[one.get_parameters(cast=True) for one in best],
    details=[detail["task_id"] for detail in details],
    jobs=len(search.optimizer.get_created_jobs_ids()),
)
task.close()
