from pathlib import Path

from clearml import OutputModel, StorageManager, Task
from told import tell

task = Task.init(project_name="deleted", task_name="deleted", output_uri=True)
task.upload_artifact("kept", {"a": 1}, wait_on_upload=True)
Path("model.bin").write_bytes(b"1")
model = OutputModel(task=task, name="model")
model.update_weights("model.bin")
model.wait_for_uploads()
task.close()
again = Task.get_task(task_id=task.id)
urls = [again.artifacts["kept"].url, model.url]
before = [StorageManager.exists_file(url) for url in urls]
tell(
    id=task.id,
    model=model.id,
    before=before,
    deleted=bool(again.delete(delete_artifacts_and_models=True, raise_on_error=True)),
    after=[StorageManager.exists_file(url) for url in urls],
)
