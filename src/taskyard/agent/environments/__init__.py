"""What the code of a task needs installed: made once for what it holds, read-only, shared.

``choice`` says which package manager makes it; each is a module of its own with ``plan``, as
``manager`` describes it: ``uv``, ``pip``, ``poetry``, ``conda``, ``image``. A new one is a new
module. ``sources`` and ``requirements`` read what is asked for, ``store`` keeps what was made, and
``layer`` puts a task's private environment over it.
"""
