"""One client of a Huey queue in SQLite, written to disk at every commit.

Arguments: the database. Is told and answers as :mod:`measured` says. Taking is all Huey's own
consumer does before it runs a task: there is no second step that says it is done. Runs in the
peers' environment.
"""

import sys

from huey import SqliteHuey  # type: ignore[import-not-found]
from measured import serve  # type: ignore[import-not-found]

huey = SqliteHuey(filename=sys.argv[1], fsync=True, results=False)


@huey.task()  # type: ignore[untyped-decorator]
def work(payload: str) -> str:
    return payload


def put(_: str) -> bool:
    work("x" * 200)
    return True


serve(put, lambda: huey.dequeue() is not None)
