from clearml import PipelineController, Task
from told import tell


def load(size):
    import json

    print("loading", size)
    return json.loads(f"[{size}, {int(size) + 1}]")


def train(data, rate=0.1):
    print("training on", data)
    return [sum(data) * rate]


def evaluate(result):
    from clearml import Task

    Task.current_task().get_logger().report_scalar("quality", "test", result[0], 0)
    return f"quality {result[0]}"


def finished(pipeline, node):
    tell(**{f"done {node.name}": node.job.task_id()})


if __name__ == "__main__":
    pipe = PipelineController("functions", "pipelines", "1.0.0", pool_frequency=0.01)
    pipe.add_parameter("size", 3, description="how much")
    pipe.set_default_execution_queue("default")
    pipe.add_function_step(
        "load",
        load,
        function_kwargs={"size": "${pipeline.size}"},
        function_return=["data"],
        cache_executed_step=True,
        post_execute_callback=finished,
    )
    pipe.add_function_step(
        "train",
        train,
        function_kwargs={"data": "${load.data}", "rate": 2.0},
        function_return=["result"],
        monitor_artifacts=["result"],
        post_execute_callback=finished,
    )
    pipe.add_function_step(
        "evaluate",
        evaluate,
        function_kwargs={"result": "${train.result}"},
        function_return=["text"],
        monitor_metrics=[("quality", "test")],
        post_execute_callback=finished,
    )
    pipe.start_locally(run_pipeline_steps_locally=True)
    pipe.wait(timeout=2)
    nodes = pipe.get_processed_nodes()
    pipe.stop()
    tell(
        id=pipe.id,
        status={name: node.status for name, node in nodes.items()},
        result=Task.get_task(nodes["train"].executed).artifacts["result"].get(),
        text=Task.get_task(nodes["evaluate"].executed).get_parameter("return/text"),
        steps=[nodes[name].executed for name in ("load", "train", "evaluate")],
    )
