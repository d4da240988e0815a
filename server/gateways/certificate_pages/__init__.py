"""Delivery certificates as PDF/A-3b: set by Typst from what :mod:`namak.delivery_certificate` says stands
there.
"""
