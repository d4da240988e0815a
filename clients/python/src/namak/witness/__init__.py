"""The command ``namak-witness``: a C2SP tlog-witness, which sees logs grow and cosigns what only grew.

A witness knows the logs' keys and, of each log, the newest tree that it saw. It cosigns a checkpoint when the
tree begins with the one it saw before, so that no log can show it two histories. Of what the logs hold it
learns nothing but their number.
"""
