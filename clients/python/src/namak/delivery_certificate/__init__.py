"""Delivery certificates: what became of one delivery, on paper for a court, with the proofs inside the file.

A certificate is a PDF/A-3 whose attachments are receipts (``.tlog-proof``) and one statement. Everything on
its pages follows from the attachments by the code of this package, which the server sets them with and a
verifier compares them with (:mod:`namak.delivery_certificate.verify`). ``docs/certificate.md`` is normative.
"""
