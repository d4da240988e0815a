"""Cards and tokens behind PKCS#11 modules: what lies on them, signing with them, and what can come between.

The only place in the client that knows PKCS#11. Knows neither gRPC nor the post. Needs the extra ``card``
(python-pkcs11), imported at first use; :mod:`namak.cards.module` says how.
"""
