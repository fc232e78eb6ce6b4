"""This machine: its processes, memory, GPUs and load. Nothing here knows of tasks."""
