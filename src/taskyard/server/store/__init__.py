"""What is kept, and every statement that reads or changes it.

- ``tables`` and ``telemetry_tables`` are the tables.
- ``database``: ``engine`` is the interface to one; ``sqlite`` and ``postgres`` are the two;
  ``migrations`` is how tables come about.
- ``documents`` makes, changes and finds what lists show: ``kinds`` describes each kind, ``finding``
  runs a query, ``conditions`` writes it in SQL.
- ``tasks``: ``task_status`` is the one place where a task's status changes; ``leasing`` hands tasks
  out and ``endings`` takes runs back. ``queues`` keeps what waits, ``workers`` who works.
- ``events``: ``logs``, ``scalars`` and ``samples`` keep what tasks report; ``blobs`` keeps files.
"""
