"""Workers: who is there, how their machines were, and what they were told."""
