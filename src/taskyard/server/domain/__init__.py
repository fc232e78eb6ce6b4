"""The rules, as functions from data to data: nothing here knows a database or the network.

Tasks: ``lifecycle``, ``leases``, ``retry``, ``explain`` and ``task_*``. Lists: ``search`` reads a
query into ``terms``. Queues: ``queue_order``. What tasks report: ``events``, ``series``,
``console``.
"""
