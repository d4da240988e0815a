"""Whether a citizen's certificate counts at a time: its path, its purpose, and revocation by CRL and OCSP."""
