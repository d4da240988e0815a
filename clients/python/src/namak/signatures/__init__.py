"""Verifies electronic signatures and reports what was found, check by check (SIGN-6).

One library for the server and for the command: :func:`~namak.signatures.verify.verify` takes a file, perhaps
its detached signature, and what the verifier trusts, and returns a
:class:`~namak.signatures.report.Report`. It fetches nothing.
"""
