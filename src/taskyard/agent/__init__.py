"""The agent: takes tasks under a lease, runs them on this machine and tells the server.

- ``daemon`` is the loop; ``heartbeat`` keeps its leases, ``follower`` watches one run, ``roster``
  knows which there are, ``housekeeping`` clears away.
- ``assignment`` makes a run's spec of a task; ``executors`` start it, as a process or in a
  container.
- ``run`` is one run from its folder to its outcome; ``environments`` makes what its code needs
  installed; ``containers`` asks an engine; ``machine`` knows processors, memory and GPUs.
- ``capacity`` and ``sharing`` give out GPUs, ``schedule`` and ``fitness`` say when none are taken.
- ``single`` and ``workbench`` run, or only prepare, one task without a queue.
"""
