"""The command line that both training scripts share."""

from __future__ import annotations

import argparse


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description="Learn to read digits")
    found.add_argument("--hidden", type=int, default=32, help="neurons of the hidden layer")
    found.add_argument("--epochs", type=int, default=10)
    found.add_argument("--lr", type=float, default=0.01, help="learning rate")
    found.add_argument("--seed", type=int, default=0)
    return found
