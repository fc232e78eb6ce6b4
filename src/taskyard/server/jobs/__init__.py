"""What the server does by the clock: each module has ``INTERVAL`` (seconds) and ``run(server)``."""
