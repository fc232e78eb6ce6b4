"""One client of a Celery queue in Redis.

Arguments: the address of the database. Says ``ready``. Each line is ``put <count>`` or ``take``;
the answer is as :mod:`measured` gives it. Taking is what a worker does about a message: it gets
it, which notes it as not acknowledged, and acknowledges it. Runs in the peers' environment.
"""

import sys

from celery import Celery  # type: ignore[import-not-found]
from measured import serve  # type: ignore[import-not-found]

QUEUE = "celery"
app = Celery("load", broker=sys.argv[1])
app.conf.update(task_ignore_result=True, task_default_queue=QUEUE)


@app.task  # type: ignore[untyped-decorator]
def work(payload: str) -> str:
    return payload


channel = app.connection_for_read().channel()


def put(_: str) -> bool:
    work.delay("x" * 200)
    return True


def take() -> bool:
    message = channel.basic_get(QUEUE)
    if message is None:
        return False
    message.ack()
    return True


serve(put, take)
