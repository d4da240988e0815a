"""How a rule for a single field says that a value is not what it must be."""


class Malformed(Exception):
    """A field is not what it must be.

    `reason` is a constant in UPPER_SNAKE that callers may match on; `text` says it in words and may change.
    Neither repeats the field's value, which may name a person.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
