from pathlib import Path

from clearml import InputModel, Model, OutputModel, Task
from told import tell

PROJECT = "models/größe"
task = Task.init(project_name=PROJECT, task_name="train", output_uri=True)
Path("weights v1.bin").write_bytes(b"1" * 1000)
Path("weights v2.bin").write_bytes(b"2" * 1000)
model = OutputModel(
    task=task, name="classifier ü", framework="PyTorch", label_enumeration={"cat": 1, "dog": 2}
)
model.update_weights("weights v1.bin", iteration=1, async_enable=False)
model.wait_for_uploads()
model.update_weights("weights v2.bin", iteration=7, async_enable=False)
model.update_design(config_dict={"layers": 3})
model.tags = ["good", "small"]
model.comment = "a comment"
model.set_metadata("accuracy", "0.9", "float")
model.set_metadata("owner.name", "me")
task.flush(wait_for_uploads=True)
model.wait_for_uploads()
loaded = Model(model_id=model.id)
tell(
    id=task.id,
    model=model.id,
    weights=Path(loaded.get_local_copy()).read_bytes().decode(),
    labels=loaded.labels,
    metadata=loaded.get_all_metadata(),
    casted=loaded.get_metadata_casted("accuracy"),
    design=loaded.config_dict,
    published_before=loaded.published,
)
model.publish()
registered = InputModel.import_model(
    weights_url="https://example.com/w.bin", name="registered", project=PROJECT, tags=["far"]
)
task.connect(InputModel(model_id=registered.id))
queried = Model.query_models(project_name=PROJECT, tags=["good"])
tell(
    registered=registered.id,
    published=Model(model_id=model.id).published,
    queried=[found.id for found in queried],
    by_name=[m.id for m in Model.query_models(project_name=PROJECT, model_name="classifier ü")],
    by_metadata=[m.id for m in Model.query_models(metadata={"accuracy": "0.9"})],
    only_published=[m.id for m in Model.query_models(project_name=PROJECT, only_published=True)],
    outputs=[m.id for m in task.models["output"]],
    inputs={m.name: m.id for m in task.models["input"]},
)
registered.archive()
tell(archived=[m.id for m in Model.query_models(project_name=PROJECT, include_archived=False)])
registered.unarchive()
spare = OutputModel(task=task, name="spare")
Path("spare.bin").write_bytes(b"3")
spare.update_weights("spare.bin", auto_delete_file=False)
spare.wait_for_uploads()
url = spare.url
tell(spare=spare.id, spare_url=url, removed=Model.remove(spare.id, raise_on_errors=True))
task.close()
