"""Loads PKCS#11 modules and finds tokens behind them. Where the client first meets python-pkcs11.

The package is imported at first use (the extra ``card``). All calls into a module happen on one thread of
their own: python-pkcs11 lets threads into a module that was told there is only one.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from namak.cards.outcomes import PinState, Step, card_error, outcome_of, pin_state
from namak.errors import CardError

T = TypeVar("T")

_TOKEN_INITIALIZED: Final = 0x0000_0400
_PROTECTED_AUTHENTICATION_PATH: Final = 0x0000_0100
_ERROR_STATE: Final = 0x0100_0000
_TOKEN_PRESENT: Final = 0x0000_0001
# Flags of CK_TOKEN_INFO, and the last one of CK_SLOT_INFO (PKCS #11 v2.40, 5.5).

_ELF_HEADER_BYTES: Final = 20

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="namak-card")

_configured: dict[str, str | None] = {}
# By module: the configuration that it last read.


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key is. What is empty is not asked for, and there must then be exactly one."""

    module: Path
    """The PKCS#11 module, a shared library."""
    token: str = ""
    """The token's label or serial number."""
    label: str = ""
    """The private key's label."""
    key_id: bytes = b""
    """The private key's identifier (CKA_ID), which its certificate has too."""
    config: Path | None = None
    """SoftHSM's configuration file, for a software token."""


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token in its slot, as python-pkcs11 has them."""

    slot: Any
    token: Any

    @property
    def name(self) -> str:
        """The token's label, or its serial number where it has none."""
        return self.token.label or self.serial

    @property
    def serial(self) -> str:
        """The token's serial number."""
        return bytes(self.token.serial).decode("utf-8", errors="replace").strip()

    @property
    def has_pin_pad(self) -> bool:
        """Whether the PIN is typed on the reader and not here."""
        return bool(int(self.token.flags) & _PROTECTED_AUTHENTICATION_PATH)

    def pin_state(self) -> PinState:
        """Asks the token again what it says of its PIN; an attempt may have changed it."""
        try:
            return pin_state(int(self.slot.get_token().flags))
        except pkcs11().exceptions.PKCS11Error:
            return PinState.UNTRIED


def on_card(step: Callable[[], T]) -> T:
    """Runs a step on the thread that all cards share, and returns what it returns."""
    return _thread.submit(step).result()


def pkcs11() -> Any:
    """Returns the package python-pkcs11. Raises CardSupportMissing."""
    try:
        return importlib.import_module("pkcs11")
    except ImportError as problem:
        raise card_error("CARD_SUPPORT_MISSING") from problem


@contextmanager
def explained(step: Step, details: str, pin: Callable[[], PinState] | None = None) -> Iterator[None]:
    """Turns what the module answers in this block into a CardError with its outcome and these details."""
    try:
        yield
    except pkcs11().exceptions.PKCS11Error as problem:
        outcome = outcome_of(step, problem)
        if pin is not None and outcome == "PIN_WRONG":
            outcome = outcome_of(step, problem, pin())
        raise failure(outcome, details, problem) from problem


def failure(outcome: str, details: str, problem: Exception) -> CardError:
    """Returns the error of an outcome, with the module's own word where the outcome alone says little."""
    if outcome in ("CARD", "DEVICE_ERROR", "FUNCTION_UNSUPPORTED"):
        own = f"{type(problem).__name__} {problem}".rstrip()
        return card_error(outcome, f"{details} ({own})")
    return card_error(outcome, details)


def load_module(path: Path, config: Path | None) -> Any:
    """Returns the module, loaded and started. On the card's thread. Raises CardModuleMissing and its kinds.

    SoftHSM only reads its configuration, which the environment names, when it starts.
    """
    package = pkcs11()
    if not path.is_file():
        raise card_error("CARD_MODULE_MISSING", str(path))
    wanted = None if config is None else str(config)
    if wanted is not None:
        os.environ["SOFTHSM2_CONF"] = wanted
    try:
        module = package.lib(str(path))
        if _configured.setdefault(str(path), wanted) != wanted:
            module.reinitialize()
            _configured[str(path)] = wanted
    except package.exceptions.PKCS11Error as problem:
        own, ours = _processor(path), _processor(Path(sys.executable))
        if own is not None and ours is not None and own != ours:
            raise card_error("CARD_MODULE_ARCHITECTURE", str(path)) from problem
        said = str(problem) or type(problem).__name__
        raise card_error(outcome_of(Step.LOADING, problem), f"{path} ({said})") from problem
    return module


def _processor(path: Path) -> bytes | None:
    """Returns what an ELF file says of the processor it is for: word size, byte order and machine; None when
    it is no such file.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_ELF_HEADER_BYTES)
    except OSError:
        return None
    if len(header) < _ELF_HEADER_BYTES or not header.startswith(b"\x7fELF"):
        return None
    return header[4:6] + header[18:20]


def slots(module: Any) -> Sequence[Any]:
    """Returns all slots, with tokens or without. On the card's thread."""
    with explained(Step.FINDING, "the module's slots"):
        found: Sequence[Any] = module.get_slots()
    return found


def token_in(slot: Any) -> FoundToken | None:
    """Returns the token in a slot; None when there is none, or none that was ever set up.

    On the card's thread. Raises TokenUnreadable, and CardFault where the reader fails.
    """
    with explained(Step.FINDING, slot.slot_description):
        if not int(slot.flags) & _TOKEN_PRESENT:
            return None
        try:
            token = slot.get_token()
        except pkcs11().exceptions.TokenNotPresent:
            return None  # taken out since
    if int(token.flags) & _ERROR_STATE:
        raise card_error("TOKEN_UNREADABLE", slot.slot_description)
    return FoundToken(slot, token) if int(token.flags) & _TOKEN_INITIALIZED else None


def find_token(module: Any, wanted: str) -> FoundToken:
    """Returns the token of that label or serial number; the only one when nothing is wanted.

    On the card's thread. Raises TokenMissing, TokenAmbiguous, TokenUnreadable, CardFault.
    """
    everywhere = slots(module)
    if not everywhere:
        raise card_error("READER_MISSING")
    present: list[FoundToken] = []
    unreadable: CardError | None = None
    for slot in everywhere:
        try:
            found = token_in(slot)
        except CardError as problem:
            unreadable = problem
            continue
        if found is not None:
            present.append(found)
    fitting = [each for each in present if not wanted or wanted in (each.token.label, each.serial)]
    if len(fitting) == 1:
        return fitting[0]
    named = ", ".join(f"{each.name!r} ({each.serial})" for each in fitting or present)
    if fitting:
        raise card_error("TOKEN_AMBIGUOUS", named)
    if unreadable is not None:
        raise unreadable
    if not present:
        raise card_error("TOKEN_MISSING", repr(wanted) if wanted else "")
    raise card_error("TOKEN_UNKNOWN", f"{wanted!r}; present: {named}")
