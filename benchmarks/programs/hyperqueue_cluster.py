"""A HyperQueue server and worker in one process. Each line starts a shell script once.

In: the script's path; then, where a command is to be run many times before it, how often and the
words of the command. Out: the time just before the submission, in ns since the epoch.
Runs in the peers' environment.
"""

import os
import sys
import time

from hyperqueue import Job, LocalCluster  # type: ignore[import-not-found]
from hyperqueue.cluster import WorkerConfig  # type: ignore[import-not-found]

# HyperQueue has things to say on the standard output: those are for the log.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

with LocalCluster() as cluster:
    cluster.start_worker(WorkerConfig(cores=1))
    client = cluster.client()
    for line in sys.stdin:
        script, *more = line.split()
        job = Job()
        for _ in range(int(more[0]) if more else 0):
            job.program(more[1:], stdout=None, stderr=None, priority=1)
        job.program(["sh", script], stdout=None, stderr=None)
        before = time.time_ns()
        client.submit(job)
        print(before, file=answers, flush=True)
