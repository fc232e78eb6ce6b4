"""The API itself: requests and answers as structs, states and errors. It imports nothing of ours.

Every action is declared with ``wire.action`` in the module of its service. ``states`` holds the
tables of what may become what, ``errors`` all that can go wrong, and ``reference`` describes the
rest to clients.
"""
