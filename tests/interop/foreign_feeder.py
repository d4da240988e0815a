"""Submits checkpoints by a client that nobody of this project wrote: `URL VKEY < JSON`.

Standard input holds, a line each, `{"note": TEXT, "proofs": {"OLD": [BASE64…]}}`; each is submitted in turn,
and what came of it is printed, a JSON line each.
"""

import base64
import json
import sys

from aics_witness.feeder import FeederError, WitnessClient  # type: ignore[import-not-found]


def main() -> None:
    url, vkey = sys.argv[1:]
    with WitnessClient(url, witness_vkey=vkey) as client:
        for line in sys.stdin:
            asked = json.loads(line)

            def proof(old: int, _new: int, proofs: dict[str, list[str]] = asked["proofs"]) -> list[bytes]:
                return [base64.b64decode(value) for value in proofs[str(old)]]

            try:
                said = {"lines": client.submit(asked["note"], proof)}
            except FeederError as refused:
                said = {"refused": type(refused).__name__, "status": getattr(refused, "status", None)}
            print(json.dumps(said), flush=True)  # noqa: T201 - what is asked for


if __name__ == "__main__":
    main()
