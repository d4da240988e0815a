"""What can go wrong with a key that is kept elsewhere."""


class HsmError(Exception):
    """A key could not be used. Its text is for operators and never holds a PIN or key material."""


class HsmUnavailable(HsmError):
    """The key cannot be reached now: no token, no answer in time, or the module failed.

    Nothing was signed, as far as anyone can tell. The next call tries again by itself; callers MUST answer
    UNAVAILABLE (outcome unknown, repeat with the same `request_id`) and MUST NOT store a refusal.
    """


class HsmKeyChanged(HsmError):
    """The token answered, but with another key than the one this process began with.

    A log signed by two keys is two logs. Callers MUST stop signing and raise an alarm; only a person mends
    this.
    """


class HsmKeyExists(HsmError):
    """A key with this label is in the token already. Keys are never replaced, and labels never shared."""


class HsmKeyExposed(HsmError):
    """The file that holds the key may be read by others than its owner."""
