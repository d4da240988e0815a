"""Several server processes on one port: one interpreter runs Python on one processor only.

Each process is a whole server, a replica like any other (`docs/servers.md`): elections, signals and
sessions go through the database. They are programs started afresh, never forks: neither gRPC nor a PKCS#11
module survives one.
"""
