"""``python -m taskyard`` is the command ``taskyard``."""

from taskyard.cli.main import run

if __name__ == "__main__":
    run()
