"""The edge for senders' ordinary mail clients: SMTP in, use cases behind it (ADMIN-6)."""
