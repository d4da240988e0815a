"""C2SP tlog-policy: which logs and which witnesses a verifier trusts, and how many of the witnesses it wants.

The file is the verifier's own; nothing in it comes from what is verified. It says when a checkpoint counts:
signed by any one of its logs, and cosigned as its quorum says. Names of witnesses and groups are octets and
mean nothing outside the file.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.cosignature import CosignatureVerifier, cosignature_time
from namak.evidence.errors import InvalidSignature, MalformedKey, MalformedPolicy, QuorumNotMet, UnknownLog
from namak.evidence.note import NoteSignature, NoteVerifier, Verifier, open_note, parse_note

MAX_BYTES = 256 * 1024
"""Length of a policy file."""

MAX_DEFINITIONS = 256
"""Logs, and witnesses, and groups in one policy, each; the standard asks for at least 32."""

NOT_NAMED = ", which the policy does not name"
"""How it is said that a checkpoint is another log's, in the end."""

_FORBIDDEN = re.compile(rb"[^\x09\x0a\x20-\x7e\x80-\xff]")
_BLANKS = re.compile(rb"[ \t]+")
_THRESHOLD = re.compile(rb"[1-9][0-9]{0,3}")
_NONE = b"none"
_MOST_TOLD = 200
"""Characters of an origin that is told of a checkpoint that nobody verified."""


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log to accept.

    Its key's name is the origin of its checkpoints; ``url`` is where to talk to it, if given.
    """

    verifier: Verifier
    url: bytes | None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under the name that groups and the quorum know it by."""

    name: bytes
    verifier: CosignatureVerifier
    url: bytes | None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A group counts as a witness when at least ``threshold`` of its members, witnesses or groups, do."""

    name: bytes
    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Witnessing:
    """One witness of the policy cosigned the checkpoint, at ``time`` in POSIX seconds by its own clock."""

    witness: bytes
    time: int


@dataclass(frozen=True, slots=True)
class CheckedCheckpoint:
    """A checkpoint that a log of the policy signed.

    ``log_name`` is the name of that log's key, and the origin. ``witnesses`` are those of the policy that
    cosigned, in its order; of several cosignatures by one witness the earliest counts, as it bounds the
    checkpoint's age best. ``ahead`` are those that cosigned at no time but later ones than were asked for.
    """

    checkpoint: Checkpoint
    log_name: str
    witnesses: tuple[Witnessing, ...]
    quorum_met: bool
    ahead: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TlogPolicy:
    """A policy whose rules have been checked: made by :meth:`parse`.

    ``quorum`` is None for ``quorum none``.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: bytes | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Reads a policy file.

        Raises :class:`MalformedPolicy`, naming the line, for any breach of the format.
        """
        policy = _PolicyFile()
        for number, line in _lines(data):
            try:
                policy.read(line)
            except (MalformedPolicy, MalformedKey) as error:
                raise MalformedPolicy(f"line {number}: {error.detail}") from None
        if policy.quorum is None:
            raise MalformedPolicy("the policy has no quorum line")
        quorum = None if policy.quorum == _NONE else policy.quorum
        return cls(tuple(policy.logs), tuple(policy.witnesses), tuple(policy.groups), quorum)

    def check(self, note: bytes, *, latest: int | None = None) -> CheckedCheckpoint:
        """Returns the checkpoint if it counts under this policy: signed by a log, witnessed by the quorum.

        A cosignature that states a later time than ``latest`` (POSIX seconds) does not count: what is dated
        in the future says nothing of when the checkpoint was seen. Without it all times do.

        Raises :class:`MalformedNote`, :class:`MalformedCheckpoint`, :class:`UnknownLog`,
        :class:`InvalidSignature` (also where any signature by a known key is wrong) or :class:`QuorumNotMet`.
        """
        checked = self.check_log_signature(note, latest=latest)
        if not checked.quorum_met:
            raise QuorumNotMet(
                f"{len(checked.witnesses)} of the policy's witnesses cosigned, which is not its quorum"
            )
        return checked

    def check_log_signature(self, note: bytes, *, latest: int | None = None) -> CheckedCheckpoint:
        """Like :meth:`check`, but only reports in ``quorum_met`` whether the quorum is there.

        For what says "logged" and "witnessed" apart. A caller who acts on "witnessed" MUST look at
        ``quorum_met``.
        """
        parsed = parse_note(note)
        checkpoint = Checkpoint.parse(parsed.text)
        # tlog-policy, "Defining a log": the key's name is the log's origin line; a key signs for no other
        # log.
        log_keys = [log.verifier for log in self.logs if log.verifier.name == checkpoint.origin]
        if not log_keys:
            told = checkpoint.origin[:_MOST_TOLD]
            raise UnknownLog(f"the checkpoint is of the log {told!r}{NOT_NAMED}")
        known: list[NoteVerifier] = [log.verifier for log in self.logs]
        known.extend(witness.verifier for witness in self.witnesses)
        verified = open_note(parsed, known)
        if not any(_made_by(key, signature) for key in log_keys for signature in verified):
            raise InvalidSignature("the checkpoint has no signature by its log")
        cosigned = self._witnessings(verified)
        witnesses = tuple(each for each in cosigned if latest is None or each.time <= latest)
        met = self.is_quorum({witnessing.witness for witnessing in witnesses})
        ahead = tuple(each.witness for each in cosigned if each not in witnesses)
        return CheckedCheckpoint(checkpoint, checkpoint.origin, witnesses, met, ahead)

    @property
    def least_witnesses(self) -> int:
        """How many witnesses a quorum has at least; exactly so, for whoever is in two groups is refused."""
        least = {witness.name: 1 for witness in self.witnesses}
        for group in self.groups:
            least[group.name] = sum(sorted(least[name] for name in group.members)[: group.threshold])
        return 0 if self.quorum is None else least[self.quorum]

    def is_quorum(self, witnesses: Collection[bytes]) -> bool:
        """Says whether these witnesses, by their names in this policy, are strong enough together."""
        if self.quorum is None:
            return True
        met = set(witnesses)
        # A group names only what was defined before it, so one pass in order settles all.
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum in met

    def _witnessings(self, verified: Sequence[NoteSignature]) -> tuple[Witnessing, ...]:
        witnessings: list[Witnessing] = []
        for witness in self.witnesses:
            times = [cosignature_time(line) for line in verified if _made_by(witness.verifier, line)]
            if times:
                witnessings.append(Witnessing(witness.name, min(times)))
        return tuple(witnessings)


def _made_by(key: NoteVerifier, signature: NoteSignature) -> bool:
    return (key.name, key.key_id) == (signature.name, signature.key_id)


def _lines(data: bytes) -> list[tuple[int, bytes]]:
    """Returns the lines that say something, trimmed, with their numbers from 1."""
    if len(data) > MAX_BYTES:
        raise MalformedPolicy(f"the policy is longer than {MAX_BYTES} bytes")
    if forbidden := _FORBIDDEN.search(data):
        raise MalformedPolicy(f"octet {forbidden.start()} is a control character other than tab and newline")
    if not data.endswith(b"\n"):
        raise MalformedPolicy("the last line of the policy does not end in a newline")
    trimmed = ((number, line.strip(b" \t")) for number, line in enumerate(data[:-1].split(b"\n"), start=1))
    return [(number, line) for number, line in trimmed if line and not line.startswith(b"#")]


class _PolicyFile:
    """What the lines read so far have defined."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: list[PolicyGroup] = []
        self.quorum: bytes | None = None
        self._defined: set[bytes] = set()
        self._members: set[bytes] = set()
        self._keys: set[tuple[str, bytes]] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()

    def read(self, line: bytes) -> None:
        keyword, *fields = _BLANKS.split(line)
        match keyword, fields:
            case b"log", [vkey, *url] if len(url) <= 1:
                self._log(vkey, url)
            case b"witness", [name, vkey, *url] if len(url) <= 1:
                self._witness(name, vkey, url)
            case b"group", [name, threshold, member, *members]:
                self._group(name, threshold, (member, *members))
            case b"quorum", [name]:
                self._quorum(name)
            case b"log" | b"witness" | b"group" | b"quorum", _:
                raise MalformedPolicy(f"a {keyword.decode()} line has too few or too many fields")
            case _:
                raise MalformedPolicy("the line defines neither log, witness, group nor quorum")

    def _log(self, vkey: bytes, url: Sequence[bytes]) -> None:
        verifier = Verifier.parse(_key_text(vkey))
        if verifier.public_key in self._log_keys:
            raise MalformedPolicy("the log's public key is already listed")
        self._log_keys.add(verifier.public_key)
        self._claim(verifier)
        self.logs.append(PolicyLog(verifier, url[0] if url else None))
        _check_count("logs", self.logs)

    def _witness(self, name: bytes, vkey: bytes, url: Sequence[bytes]) -> None:
        verifier = CosignatureVerifier.parse(_key_text(vkey))
        if verifier.public_key in self._witness_keys:
            raise MalformedPolicy("the witness's public key is already listed")
        self._witness_keys.add(verifier.public_key)
        self._claim(verifier)
        self._define(name)
        self.witnesses.append(PolicyWitness(name, verifier, url[0] if url else None))
        _check_count("witnesses", self.witnesses)

    def _group(self, name: bytes, threshold: bytes, members: tuple[bytes, ...]) -> None:
        count = {b"any": 1, b"all": len(members)}.get(threshold)
        if count is None:
            if not _THRESHOLD.fullmatch(threshold) or int(threshold) > len(members):
                raise MalformedPolicy(
                    "a group's threshold is not any, all, or from 1 to the number of members"
                )
            count = int(threshold)
        for member in members:
            if member not in self._defined:
                raise MalformedPolicy("a group's member is not defined on a line before it")
            if member in self._members:
                raise MalformedPolicy("a name is listed as a group's member twice")
            self._members.add(member)
        self._define(name)
        self.groups.append(PolicyGroup(name, count, members))
        _check_count("groups", self.groups)

    def _quorum(self, name: bytes) -> None:
        if self.quorum is not None:
            raise MalformedPolicy("the policy has a second quorum line")
        if name != _NONE and name not in self._defined:
            raise MalformedPolicy("the quorum is not defined on a line before it")
        self.quorum = name

    def _define(self, name: bytes) -> None:
        # Witnesses and groups share one namespace, in which `none` is taken.
        if name == _NONE or name in self._defined:
            raise MalformedPolicy("the name is already defined")
        self._defined.add(name)

    def _claim(self, key: NoteVerifier) -> None:
        # Otherwise it would be open whose a signature line is (signed-note, "Signatures").
        if (key.name, key.key_id) in self._keys:
            raise MalformedPolicy("another key has the same name and key id")
        self._keys.add((key.name, key.key_id))


def _key_text(vkey: bytes) -> str:
    try:
        return vkey.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedKey("a verifier key is not UTF-8") from None


def _check_count(what: str, defined: Sequence[object]) -> None:
    if len(defined) > MAX_DEFINITIONS:
        raise MalformedPolicy(f"the policy has more than {MAX_DEFINITIONS} {what}")
