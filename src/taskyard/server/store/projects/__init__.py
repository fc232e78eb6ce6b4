"""The tree of projects, and what is in them."""
