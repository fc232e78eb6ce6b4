"""The server: one process that answers the API, keeps what it is told and serves the page.

- ``app`` puts it together and ``serve`` runs it; ``core`` is what every part can reach.
- ``dispatch`` brings a request to its handler in ``services``; ``auth`` says who asks.
- ``domain`` are the rules, without input and output; ``store`` is the database and the files.
- ``jobs`` run by the clock; ``live`` and ``signals`` tell those who wait what has changed.
"""
