import argparse
import enum
from pathlib import Path

from clearml import Task
from told import tell


class Settings:
    layers = (1, 2)

    def __init__(self):
        self.rate = 0.5


class Kind(enum.Enum):
    small = "s"
    large = "l"


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3, help="how often")
parser.add_argument("--rate", type=float, default=0.1)
parser.add_argument("--flag", action="store_true")
parser.add_argument("--many", nargs="+", type=int, default=[1, 2])
parser.add_argument("positional", nargs="?", default="here")

task = Task.init(project_name="parameters", task_name="parameters")
args = parser.parse_args()
plain = task.connect(
    {
        "text": "a ü",
        "number": 3,
        "real": 1e-5,
        "yes": True,
        "nothing": None,
        "list": [1, "b", 2.5],
        "tuple": (1, 2),
        "nested": {"a": {"b": 1, "c.d": 2}},
        "dotted.name": 1,
        "$sign": "x",
        "with/slash": 4,
        "": "empty",
    },
    name="Plain",
)
task.connect(Settings(), name="Object")
task.connect(Settings, name="Class")
task.connect({"kind": Kind.large}, name="Enum")
Path("network.yaml").write_text("layers: 3\nact: relu\n")
Path("free.txt").write_text("free text = ü")
configured = Path(task.connect_configuration("network.yaml", name="network"))
task.connect_configuration(Path("free.txt"), name="free text")
settings = task.connect_configuration(
    {"depth": 2, "inner": {"a": None}}, name="as a dict", description="described"
)
task.set_parameter("Extra/later", 5, description="set later")
task.set_parameter("Extra/gone", 5)
task.set_parameters_as_dict({"Deep": {"x": {"y": 1}}})
task.update_parameters({"Extra/updated": "yes"})
task.delete_parameter("Extra/gone", force=True)
task.flush(wait_for_uploads=True)

again = Task.get_task(task_id=task.id)
tell(
    id=task.id,
    epochs=args.epochs,
    text=plain["text"],
    flat=again.get_parameters(),
    cast=again.get_parameters(cast=True),
    nested=again.get_parameters_as_dict(cast=True),
    one=again.get_parameter("Extra/later"),
    absent=again.get_parameter("Extra/gone"),
    network=again.get_configuration_object("network"),
    same=configured.read_text(),
    free=again.get_configuration_object("free text"),
    as_dict=again.get_configuration_object_as_dict("as a dict"),
    all=sorted(again.get_configuration_objects()),
)
task.close()
