"""The log in public as C2SP tlog-tiles has it: static files, over HTTP or in a directory."""
