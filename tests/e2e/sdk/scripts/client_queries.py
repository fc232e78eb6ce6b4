from clearml import Task
from clearml.backend_api.session.client import APIClient
from told import tell

client = APIClient()
project = client.projects.create(name="client queries", description="by hand").id
queue = client.queues.create(name="client queries", tags=["by hand"]).id
ids = [
    client.tasks.create(name=f"task {number}", type="testing", project=project).id
    for number in range(3)
]
for task in ids:
    client.tasks.enqueue(task=task, queue=queue)
client.queues.move_task_to_front(queue=queue, task=ids[2])
waiting = client.queues.get_by_id(queue=queue)
taken = client.queues.get_next_task(queue=queue)
client.tasks.started(task=ids[2])
client.tasks.completed(task=ids[2])
missing = ""
try:
    client.tasks.get_by_id(task="0" * 32)
except Exception as error:
    missing = str(error)
tell(
    queue=queue,
    order=[entry.task for entry in waiting.entries],
    ids=ids,
    taken=taken.entry.task,
    statuses=[task.status for task in client.tasks.get_all(project=[project], order_by=["name"])],
    only=[
        task.to_dict() if hasattr(task, "to_dict") else task.data.to_dict()
        for task in client.tasks.get_all(id=ids[:1], only_fields=["id", "name"])
    ],
    workers=[worker.id for worker in client.workers.get_all()],
    projects=[one.name for one in client.projects.get_all(name="client queries")],
    project_fields=client.projects.get_by_id(project=project).description,
    queues=[one.name for one in client.queues.get_all(tags=["by hand"])],
    missing=missing,
    server=Task.get_task(task_id=ids[0]).name,
)
client.queues.delete(queue=queue, force=True)
