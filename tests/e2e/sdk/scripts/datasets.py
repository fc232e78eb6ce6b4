from pathlib import Path

from clearml import Dataset
from told import tell

Path("first").mkdir()
Path("first/a ü.csv").write_text("1,2\n")
Path("first/b.csv").write_text("3,4\n")
Path("second").mkdir()
Path("second/c.csv").write_text("5,6\n")

base = Dataset.create(dataset_name="numbers ü", dataset_project="datasets", dataset_tags=["small"])
base.add_files("first")
base.set_metadata({"rows": 2}, metadata_name="shape")
base.get_logger().report_single_value("rows", 2)
base.upload()
base.finalize()
tell(base=base.id, version=base.version)

child = Dataset.create(
    dataset_name="numbers ü", dataset_project="datasets", parent_datasets=[base.id]
)
child.sync_folder("second")
child.add_files("first/b.csv")
child.upload(chunk_size=1)
child.finalize()

found = Dataset.get(dataset_name="numbers ü", dataset_project="datasets")
original = Dataset.get(dataset_id=base.id)
copy = original.get_mutable_local_copy("copy")
listed = Dataset.list_datasets(dataset_project="datasets", only_completed=True)
tell(
    child=child.id,
    child_version=child.version,
    newest=found.id,
    files=sorted(found.list_files()),
    base_files=sorted(original.list_files()),
    contents={p.name: p.read_text() for p in Path(original.get_local_copy()).rglob("*.csv")},
    child_contents={p.name: p.read_text() for p in Path(found.get_local_copy()).rglob("*.csv")},
    mutable=sorted(p.name for p in Path(copy).rglob("*.csv")),
    metadata=original.get_metadata(metadata_name="shape"),
    parents=found.get_dependency_graph()[child.id],
    listed=sorted(one["id"] for one in listed),
    added=found.list_added_files(base.id),
    projects=Dataset.list_datasets(partial_name="numbers", only_completed=False) != [],
)
spare = Dataset.create(dataset_name="spare", dataset_project="datasets", use_current_task=False)
spare.add_files("second")
spare.upload()
spare.finalize()
Dataset.delete(dataset_id=spare.id, force=True)
tell(spare=spare.id)
