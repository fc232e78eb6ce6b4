"""What the server does by the clock. Each module has ``INTERVAL``, in seconds, and ``run(server)``."""
