from pathlib import Path

import numpy as np
import pandas as pd
from clearml import Task
from PIL import Image
from told import tell

task = Task.init(project_name="artifacts/ü & 100 %", task_name="every kind of artifact")
Path("notes ü.txt").write_text("a note")
folder = Path("folder")
(folder / "deeper").mkdir(parents=True)
(folder / "a.csv").write_text("1,2")
(folder / "deeper" / "b.csv").write_text("3,4")
frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})

task.upload_artifact("settings", {"rate": 0.1, "deep": {"a": [1, 2]}})
task.upload_artifact("text", "plain text")
task.upload_artifact("array", np.arange(6).reshape(2, 3))
task.upload_artifact("frame", frame)
task.upload_artifact("picture", Image.new("RGB", (3, 4), "red"))
task.upload_artifact("file ü 1", artifact_object="notes ü.txt", metadata={"kind": "note"})
task.upload_artifact("folder", artifact_object=folder)
task.upload_artifact("wildcard", artifact_object=str(folder / "*.csv"))
task.upload_artifact("pickled", artifact_object={1, 2, 3})
task.upload_artifact("previewed", {"a": 1}, preview="shown instead")
task.upload_artifact("waited for", {"b": 2}, wait_on_upload=True)
task.upload_artifact("unwanted", {"c": 3}, wait_on_upload=True)
task.register_artifact("table", frame, metadata={"rows": 2})
task.flush(wait_for_uploads=True)
deleted = task.delete_artifacts(["unwanted"])
task.close()

again = Task.get_task(task_id=task.id)
found = again.artifacts
tell(
    id=task.id,
    names=sorted(found),
    deleted=deleted,
    settings=found["settings"].get(),
    text=found["text"].get(),
    array=found["array"].get().tolist(),
    frame=found["frame"].get().to_dict("list"),
    picture=found["picture"].get().size,
    note=Path(found["file ü 1"].get_local_copy()).read_text(),
    note_metadata=found["file ü 1"].metadata,
    note_size=found["file ü 1"].size,
    folder=sorted(str(p.name) for p in Path(found["folder"].get()).rglob("*.csv")),
    wildcard=sorted(p.name for p in Path(found["wildcard"].get_local_copy()).rglob("*.csv")),
    pickled=sorted(found["pickled"].get()),
    preview=found["previewed"].preview,
    cached=found["file ü 1"].get_local_copy() == found["file ü 1"].get_local_copy(),
    hash=found["file ü 1"].hash,
)
