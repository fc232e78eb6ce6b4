"""The API from the other side: ``config`` finds a server and its keys, ``session`` calls actions."""
