"""A phone with a SIM that signs behind two PINs, as a mobile-id service knows it, and its owner's doings."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from server.domain.mobile_identity import MobileKey
from tests.unit.evidence_documents.pki import Authority, Card

TRIES = 3

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
_USAGES = {MobileKey.AUTHENTICATION: "digital_signature", MobileKey.SIGNATURE: "content_commitment"}


@dataclass(frozen=True)
class Question:
    """What the phone shows, and what it is to sign."""

    key: MobileKey
    digest: bytes
    hash_type: str
    text: str = ""
    alphabet: str = "GSM-7"
    language: str = "ENG"

    @property
    def code(self) -> str:
        """The four digits on the screen, written out from the bits as the protocol describes them."""
        bits = "".join(f"{octet:08b}" for octet in self.digest)
        return str(int(bits[:6] + bits[-7:], 2)).zfill(4)


@dataclass(frozen=True)
class Answer:
    """How the question ended, by the service's name for it."""

    result: str
    tries_left: int | None = None
    signature: bytes = b""
    algorithm: str = ""
    certificate: bytes = b""


@dataclass
class Sim:
    """One phone, its owner and the operator's opinion of it; tests change what they like between questions.

    Attributes:
        refusal: what the service answers at once to every question, such as PHONE_ABSENT.
        in_der: ECDSA signatures come in DER; otherwise as r and s, one after the other.
        signs_instead: the digest that it signs instead of the one it was asked for.
        signs_with: the key that it uses, whichever was asked for.
        shows: the card whose certificate comes with an authentication, instead of its own.
    """

    phone: str
    person_number: str
    cards: dict[MobileKey, Card]
    pins: dict[MobileKey, str] = field(
        default_factory=lambda: {MobileKey.AUTHENTICATION: "1111", MobileKey.SIGNATURE: "22222"}
    )
    puk: str = "87654321"
    refusal: str | None = None
    in_der: bool = False
    signs_instead: bytes | None = None
    signs_with: MobileKey | None = None
    shows: Card | None = None

    def __post_init__(self) -> None:
        self.asked: list[Question] = []
        self._wrong: Counter[MobileKey] = Counter()
        self._wrong_puks = 0
        self._pending: tuple[Question, asyncio.Future[Answer]] | None = None
        self._came = asyncio.Condition()

    async def ask(self, question: Question) -> "asyncio.Future[Answer]":
        """Puts a question on the screen; returns what its answer will be."""
        answer = asyncio.get_running_loop().create_future()
        if (refusal := self._refusal(question.key)) is not None:
            answer.set_result(Answer(refusal))
            return answer
        async with self._came:
            self.asked.append(question)
            self._pending = question, answer
            self._came.notify_all()
        return answer

    async def shown(self) -> Question:
        """Waits for a question on the screen, and returns it."""
        async with self._came:
            await self._came.wait_for(lambda: self._pending is not None)
        assert self._pending is not None
        return self._pending[0]

    async def enter(self, pin: str) -> None:
        """Enters a PIN at the question on the screen."""
        question = await self.shown()
        if pin == self.pins[question.key]:
            self._wrong[question.key] = 0
            self._end(self._signed(question))
            return
        self._wrong[question.key] += 1
        left = TRIES - self._wrong[question.key]
        self._end(Answer("WRONG_PIN", tries_left=left) if left else Answer("PIN_BLOCKED"))

    async def enter_right(self) -> None:
        """Enters the PIN that the question on the screen asks for."""
        await self.enter(self.pins[(await self.shown()).key])

    async def cancel(self) -> None:
        """Cancels at the question on the screen."""
        await self.shown()
        self._end(Answer("USER_CANCELLED"))

    async def ignore(self) -> None:
        """Lets the question on the screen be until the service gives up."""
        await self.shown()
        self._end(Answer("TIMEOUT"))

    async def fail(self) -> None:
        """Answers the question on the screen with what is no answer."""
        await self.shown()
        self._end(Answer("SIM_ERROR"))

    def enter_puk(self, puk: str) -> None:
        """Tries to open the PINs again with a PUK."""
        if puk != self.puk:
            self._wrong_puks += 1
        elif self._wrong_puks < TRIES:
            self._wrong_puks = 0
            self._wrong.clear()

    def _refusal(self, key: MobileKey) -> str | None:
        if self._wrong_puks >= TRIES:
            return "PUK_BLOCKED"
        if self._wrong[key] >= TRIES:
            return "PIN_BLOCKED"
        return self.refusal

    def _end(self, answer: Answer) -> None:
        assert self._pending is not None
        if not self._pending[1].done():
            self._pending[1].set_result(answer)
        self._pending = None

    def _signed(self, question: Question) -> Answer:
        card = self.cards[self.signs_with or question.key]
        shown = self.shows or card
        kind = "RSA" if isinstance(card.key, rsa.RSAPrivateKey) else "EC"
        return Answer(
            "OK",
            signature=self._signature(card, self.signs_instead or question.digest, question.hash_type),
            algorithm=f"{question.hash_type}With{kind}Encryption",
            certificate=shown.der,
        )

    def _signature(self, card: Card, digest: bytes, hash_type: str) -> bytes:
        algorithm = utils.Prehashed(_HASHES[hash_type]())
        if isinstance(card.key, rsa.RSAPrivateKey):
            return card.key.sign(digest, padding.PKCS1v15(), algorithm)
        signature = card.key.sign(digest, ec.ECDSA(algorithm))
        if self.in_der:
            return signature
        half = (card.key.curve.key_size + 7) // 8
        return b"".join(number.to_bytes(half) for number in utils.decode_dss_signature(signature))


def new_sim(
    authority: Authority,
    *,
    phone: str = "+994501234567",
    person_number: str = "5001950015",
    keys: dict[MobileKey, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] | None = None,
    days: int = 365,
) -> Sim:
    """Returns a SIM with keys of its own and certificates by the authority, good for so many days."""
    keys = keys or {}
    cards = {
        key: authority.card(f"PNOAM-{person_number}", usages=(usage,), days=days, key=keys.get(key))
        for key, usage in _USAGES.items()
    }
    return Sim(phone, person_number, cards)
