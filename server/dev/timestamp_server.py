"""A time-stamping authority for trying things out: `openssl ts -reply` behind a small HTTP server (RFC 3161,
3.4).

`python -m server.dev.timestamp_server DIRECTORY --listen HOST:PORT --ready-file FILE`. The directory holds
`openssl.cnf` with the section `tsa`, `own.pem`, `key.pem` and `serial`, as `server.dev.timestamps` makes
them. It imports nothing but Python's own, to be there at once. Never for production: its key is a file, and
its time this machine's clock.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
MAX_QUERY_BYTES: Final = 4096
"""A question has some hundred bytes."""

_SECONDS: Final = 60.0


class OpensslMissing(OSError):
    """The program `openssl` is not installed here."""

    def __init__(self) -> None:
        super().__init__("there is no openssl on this machine, by which the authority makes its tokens")


def openssl() -> str:
    """Returns the program. Raises `OpensslMissing`."""
    found = shutil.which("openssl")
    if found is None:
        raise OpensslMissing
    return found


def reply(directory: Path, query: bytes) -> bytes:
    """Answers a question (RFC 3161, 2.4.2), within some milliseconds; also one that it does not grant.

    One at a time: each token takes the next number of the file `serial`. Raises `OpensslMissing`,
    ValueError: what was asked is no question, or the directory is not whole; the text is openssl's.
    """
    program = openssl()
    done = subprocess.run(  # noqa: S603 - what strangers send goes to its standard input
        [
            *(program, "ts", "-reply", "-config", "openssl.cnf", "-section", "tsa"),
            *("-queryfile", "/dev/stdin", "-signer", "own.pem", "-inkey", "key.pem"),
        ],
        cwd=directory,
        input=query,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace").strip())
    return done.stdout


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], directory: Path) -> None:
        super().__init__(address, _Questions)
        self.directory = directory
        self.turn = threading.Lock()


class _Questions(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS

    def do_POST(self) -> None:
        """Answers one question, whatever the path."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != QUERY_TYPE:
            self.send_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        elif not re.fullmatch("[1-9][0-9]{0,5}", length) or int(length) > MAX_QUERY_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer(self.rfile.read(int(length)))

    def _answer(self, query: bytes) -> None:
        try:
            with self.server.turn:
                answer = reply(self.server.directory, query)
        except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
            self.log_error("%s", problem)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", REPLY_TYPE)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def main() -> int:
    """Listens until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="server.dev.timestamp_server")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--ready-file", type=Path)
    given = parser.parse_args()
    host, _, port = given.listen.rpartition(":")
    with _Server((host, int(port)), given.directory) as server:

        def end(*_: object) -> None:
            # From another thread: the loop that it stops is this one's.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        if given.ready_file is not None:
            url = f"http://{host}:{server.server_address[1]}"
            whole = given.ready_file.with_suffix(".new")
            whole.write_text(json.dumps({"url": url}), encoding="utf-8")
            whole.replace(given.ready_file)
        server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
