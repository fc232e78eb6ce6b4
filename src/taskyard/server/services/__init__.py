"""The handlers of the API, a module a service; large services have several, by what is asked.

A handler is a function over a transaction, or over the server where it waits or streams; it is
bound to its action by ``reads``, ``writes`` or ``serves`` of ``server.call``.
"""
