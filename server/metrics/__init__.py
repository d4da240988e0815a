"""What is measured, for whoever looks after the post: figures of operation in the format of OpenMetrics.

Nothing else knows of the library: use cases, the log and the token are looked at from here, or have a
wrapper put around them (`server.bootstrap_metrics`).
"""
