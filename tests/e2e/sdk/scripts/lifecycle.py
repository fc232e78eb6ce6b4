from clearml import Task
from told import tell

template = Task.create(
    project_name="lifecycle", task_name="template", task_type="testing", script="none.py"
)
template.set_parameters({"Args/x": 1})
template.add_tags(["template"])
clone = Task.clone(template, name="clone", comment="cloned", parent=template.id)
tell(template=template.id, clone=clone.id, created=clone.status, parent=clone.parent)
tell(parameters=clone.get_parameters())

Task.enqueue(clone, queue_name="lifecycle")
queued = Task.get_task(task_id=clone.id)
tell(queued=queued.status, waiting=Task.get_num_enqueued_tasks(queue_name="lifecycle"))
Task.dequeue(clone)
tell(dequeued=Task.get_task(task_id=clone.id).status)

clone.mark_started(force=True)
tell(started=clone.status)
clone.get_logger().report_scalar("a", "b", 1, 1)
clone.flush(wait_for_uploads=True)
clone.mark_stopped(force=True, status_message="enough")
tell(stopped=clone.status, message=str(clone.data.status_message))
clone.reset(force=True)
tell(reset=clone.status, scalars=clone.get_reported_scalars())
clone.mark_started(force=True)
clone.mark_failed(ignore_errors=False, status_reason="reason", status_message="message", force=True)
tell(failed=clone.status)
clone.reload()
tell(reason=clone.data.status_reason)
clone.mark_started(force=True)
clone.mark_completed(ignore_errors=False)
tell(completed=clone.status)
clone.publish()
tell(published=Task.get_task(task_id=clone.id).status)

by_name = Task.get_task(project_name="lifecycle", task_name="template")
tell(
    by_name=by_name.id,
    tasks=[t.id for t in Task.get_tasks(project_name="lifecycle", task_name="template|clone")],
    by_tag=[t.id for t in Task.get_tasks(project_name="lifecycle", tags=["template"])],
    without_tag=[t.id for t in Task.get_tasks(project_name="lifecycle", tags=["-template"])],
    ids=Task.query_tasks(project_name="lifecycle", task_filter={"status": ["published"]}),
    ordered=Task.query_tasks(project_name="lifecycle", task_filter={"order_by": ["-name"]}),
    fields=Task.query_tasks(
        project_name="lifecycle", task_name="^clone$", additional_return_fields=["name", "status"]
    ),
    pattern=Task.query_tasks(task_filter={"_any_": {"fields": ["comment"], "pattern": "CLONED"}}),
    by_type=Task.query_tasks(project_name="lifecycle", task_filter={"type": ["testing"]}),
    projects=[project.name for project in Task.get_projects(name="^lifecycle$")],
    project_id=Task.get_project_id("lifecycle"),
)
tell(
    archived=template.set_archived(True),
    without_archived=Task.query_tasks(
        project_name="lifecycle", task_filter={"system_tags": ["-archived"]}
    ),
)
