"""Reads what is said to be scans, in processes of their own: even a clerk's file is a stranger's."""
