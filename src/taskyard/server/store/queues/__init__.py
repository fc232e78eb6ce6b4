"""Queues: their entries in order, moves, and samples of length and waiting time."""
