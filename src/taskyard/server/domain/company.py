"""The one company of an installation, as clients of the protocol know it."""

from __future__ import annotations

COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
COMPANY_NAME = "taskyard"
