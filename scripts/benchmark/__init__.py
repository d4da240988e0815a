"""How fast the post is on this machine, beside what the machine can do at all. No test."""
