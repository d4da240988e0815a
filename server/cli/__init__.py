"""The command `namak-server`: what an operator does on the server's own machine."""
