"""The citizen's phone, as the office of the client's tests knows it."""

from dataclasses import dataclass, field


@dataclass
class Phone:
    """Attributes: `code`: the digits to compare, empty where they are to be entered; `answers_after`: so many
    questions are told that it has not answered yet; `outcome`: why it signs nothing; `signs_another`: it is
    asked to sign another statement than was issued before; `rung`, `entered`: the numbers and digits that
    came.
    """

    code: str = ""
    answers_after: int = 0
    outcome: str = ""
    signs_another: bool = False
    rung: list[str] = field(default_factory=list)
    entered: list[str] = field(default_factory=list)
