"""Train a digit classifier. Any scheduler can run this: it is a plain script."""

from __future__ import annotations

import pickle
from pathlib import Path

from arguments import parser
from digits import data, picture, training


def main() -> None:
    args = parser().parse_args()
    print(f"hidden={args.hidden} epochs={args.epochs} lr={args.lr} seed={args.seed}")
    train_x, train_y, test_x, test_y = data.load(args.seed)
    print(f"{len(train_x)} images to train on, {len(test_x)} to test on")

    def report(epoch: int, loss: float, accuracy: float) -> None:
        print(f"epoch {epoch:3d}  loss {loss:.4f}  accuracy {accuracy:.4f}", flush=True)

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
    out = Path("out")
    out.mkdir(exist_ok=True)
    picture.confusion(test_y, model.predict(test_x), out / "confusion.png")
    (out / "model.pkl").write_bytes(pickle.dumps(model))
    print(f"final accuracy {model.score(test_x, test_y):.4f}; see {out.absolute()}")


if __name__ == "__main__":
    main()
