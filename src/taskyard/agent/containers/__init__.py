"""Attempts in containers: what an engine such as Docker is asked for, and what it answers.

The host brings the code and the caches and mounts them; inside, a small POSIX shell script starts
the task. No agent of ours runs in there, so any image will do.
"""
