"""Workers: Procrastinate's, running the handlers that they are given."""
