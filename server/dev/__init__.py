"""A world to develop and test in, made at run time and thrown away: certificates, cards and tokens.

Nothing here is for production: its certification authorities keep their keys in files.
"""
