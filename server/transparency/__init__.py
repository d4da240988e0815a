"""The running log: one leader integrates, signs and publishes; every replica serves receipts."""
