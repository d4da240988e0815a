"""Settings of letters on paper."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from server.config_values import LISTED, Duration, Section, within
from server.domain.paper_letters import NotPrintable, PostalAddress
from server.domain.tracking_numbers import TrackingNumbers, serial_range


class PrintingSettings(Section):
    """Letters on paper, which print houses fetch (BOX-11)."""

    numbers: Annotated[tuple[str, ...], LISTED] = ()
    """The ranges of serial numbers that the post allotted for registered letters, `10000000-10049999`. They
    are used one after the other, so add further ones behind, and change none. Without any, no letter is made.
    """
    service: str = Field(default="RR", pattern=r"^[A-Z]{2}$")
    """What the post's numbers begin with (UPU S10)."""
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    """What they end with, ISO 3166-1; the profile's country by default."""
    return_address: Annotated[tuple[str, ...], LISTED] = ()
    """The lines of the postal address that undelivered letters go back to, below the sender's name."""
    portal: str = Field(default="", max_length=200)
    """Where holders read electronically; letters name it."""
    processes: int = Field(default=2, ge=1, le=64)
    """Processes that set letters side by side."""
    lease: Annotated[Duration, within("1m", "168h")] = timedelta(hours=4)
    """How long a print house has for printing what it leased, 1m to 168h."""

    @model_validator(mode="after")
    def _is_whole(self) -> "PrintingSettings":
        if not self.numbers:
            return self
        self.tracking("ZZ")
        try:
            PostalAddress("-", self.return_address)
        except NotPrintable as problem:
            raise ValueError(f"return_address is needed with numbers: {problem}") from problem
        return self

    def tracking(self, country: str) -> TrackingNumbers:
        """Returns the numbers of letters; `country` counts where the settings name none."""
        ranges = tuple(serial_range(each) for each in self.numbers)
        return TrackingNumbers(self.service, self.country or country, ranges)
