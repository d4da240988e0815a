"""Follows a log for those who want to take nobody's word: what was seen can't be taken back unnoticed.

:mod:`namak.monitor.following` looks at the log as its tiles show it, :mod:`namak.monitor.state` remembers.
"""
