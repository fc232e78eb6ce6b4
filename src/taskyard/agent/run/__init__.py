"""One run: a folder, a supervisor and its steps.

``spec`` is what the folder holds, and the contract with the agent; ``folder`` reads and writes it.
``spawner`` starts a ``supervisor``, which goes through ``steps`` (``source``, ``patch``, ``setup``,
``environment``, ``launch``, each in a module of that name) and has a ``keeper`` start the user's
process. ``watch`` follows that to its end within its ``bounds``, and ``verdict`` puts in words how
it ended. ``standing`` tells from outside how a run stands.
"""
