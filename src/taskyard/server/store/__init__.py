"""What is kept, and every statement that reads or changes it.

- ``engine`` is the interface to a database; ``sqlite`` and ``postgres`` are the two.
- ``tables`` and ``telemetry_tables`` are the tables, ``migrations`` how they come about.
- ``documents`` makes, changes and finds what lists show: ``kinds`` describes each kind, ``finding``
  runs a query, ``conditions`` writes it in SQL.
- ``task_status`` is the one place where a task's status changes; ``leasing`` hands tasks out and
  ``endings`` takes runs back; ``queue_entries`` is what waits.
- ``logs``, ``scalars`` and ``samples`` keep what tasks report; ``blobs`` keeps files.
"""
