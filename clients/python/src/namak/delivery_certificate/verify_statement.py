"""Compares a certificate's statement with what follows from its proofs."""

import hashlib

from namak.delivery_certificate.account import Account
from namak.delivery_certificate.statement import Statement, effect_of


def problems_of(statement: Statement, account: Account) -> list[str]:
    """Returns what the statement says otherwise than the proofs, in words; nothing where they agree."""
    found = []
    if statement.delivery_id != account.delivery_id:
        found.append("the statement is about another delivery than the proofs")
    stated = [(each.file, each.digest) for each in statement.proofs]
    if stated != [(each.file, each.evidence.digest) for each in account.proofs]:
        found.append("the statement names other proofs than those attached, or in another order")
    if hashlib.sha256(statement.subject.encode()).digest() != account.document.parts[0].digest:
        found.append("the subject in the statement is not that of the evidence")
    if statement.effect != effect_of(account):
        found.append("the statement tells of another legal effect than the proofs")
    return found
