"""The same training with the clearml SDK: parameters, scalars, picture and model are kept."""

from __future__ import annotations

import pickle
from pathlib import Path

from arguments import parser
from clearml import Task
from digits import data, picture, training


def main() -> None:
    task = Task.init(project_name="digits", task_name="train digits", output_uri=False)
    args = parser().parse_args()
    settings = task.connect({"note": "plain", "report_every": 1}, name="Reporting")
    log = task.get_logger()
    train_x, train_y, test_x, test_y = data.load(args.seed)

    def report(epoch: int, loss: float, accuracy: float) -> None:
        print(f"epoch {epoch:3d}  loss {loss:.4f}  accuracy {accuracy:.4f}", flush=True)
        if epoch % int(settings["report_every"]) == 0:
            log.report_scalar("loss", "train", loss, epoch)
            log.report_scalar("accuracy", "test", accuracy, epoch)

    model = training.train(
        train_x,
        train_y,
        test_x,
        test_y,
        hidden=args.hidden,
        epochs=args.epochs,
        lr=args.lr,
        seed=args.seed,
        report=report,
    )
    accuracy = float(model.score(test_x, test_y))
    log.report_single_value("accuracy", accuracy)
    picture.confusion(test_y, model.predict(test_x), Path("confusion.png"))
    Path("model.pkl").write_bytes(pickle.dumps(model))
    task.upload_artifact("model", Path("model.pkl"))
    task.upload_artifact("confusion", Path("confusion.png"))
    print(f"lr={args.lr} final accuracy {accuracy:.4f}")
    task.close()


if __name__ == "__main__":
    main()
