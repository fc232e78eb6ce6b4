"""Tasks, their attempts under leases, and every change of a status."""
