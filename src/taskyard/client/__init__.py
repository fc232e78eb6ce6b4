"""The API from the other side: ``config`` finds server and keys, ``session`` calls actions."""
