"""Taskyard: queues, agents and a server for code that must run on another machine."""

__version__ = "0.1.0"
