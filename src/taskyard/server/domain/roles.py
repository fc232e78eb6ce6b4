"""The roles of users, and who stands above whom."""

from __future__ import annotations

ROLES = ("guest", "annotator", "user", "superuser", "admin", "root", "system")
"""Every role, from the least to the most."""

ADMIN_ROLES = frozenset({"system", "root", "admin"})
"""Those who administer the server."""


def outranks(role: str, other: str) -> bool:
    """Whether ``role`` stands above ``other``. An unknown role stands below all."""
    return _rank(role) > _rank(other)


def _rank(role: str) -> int:
    return ROLES.index(role) if role in ROLES else -1
