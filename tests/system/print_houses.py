"""A print house over real mutual TLS, and where letters on paper reach a citizen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask

from namak.client import Client
from namak.client.printing import Report, file_digest
from namak.v1 import letter_pb2, registration_pb2
from server.gateways.printing import fonts
from tests.faults.scene import eventually
from tests.system.post import Citizen, Post, der

PRINTING = """
[printing]
numbers = ["10000000-10000999"]
return_address = ["Ամիրյան փող. 1", "0002 Երևան"]
processes = 1
"""
"""Settings of a post that has letters on paper."""
HOME = "Աբովյան փող. 2, բն. 5, 0001 Երևան"


def fonts_missing() -> bool:
    """Whether letters can't be set here."""
    try:
        fonts.found()
    except fonts.FontsMissing:
        return True
    return False


@dataclass(frozen=True)
class PrintHouse:
    """A print house that is bound; `now` is the post's clock, by which it reports."""

    client: Client
    now: Callable[[], datetime]

    @classmethod
    async def at(cls, post: Post, name: str, now: Callable[[], datetime]) -> "PrintHouse":
        """Registers one, and binds its certificate."""
        identity = post.pki.machine(name, organisation=name, common_name="press-1")
        operator = (await post.operator()).printing
        house = await operator.register_house(name)
        await operator.bind_certificate(house.print_house_id, der(identity))
        return cls(await post.client(identity), now)

    async def leased(self) -> letter_pb2.PaperLetter:
        """Waits until a letter is there to be leased; it is the only one."""
        found: list[letter_pb2.PaperLetter] = []

        async def there() -> bool:
            found.extend(await self.client.printing.lease(5))
            return bool(found)

        await eventually(there)
        (letter,) = found
        return letter

    async def report(self, letter: letter_pb2.PaperLetter, report: Report) -> None:
        """Reports what happened just now."""
        await self.client.printing.report(letter.letter_id, report, at=self.now())

    async def print(self, letter: letter_pb2.PaperLetter, directory: Path) -> None:
        """Downloads a letter, prints it as far as anybody can tell, and says so."""
        pdf = await self.client.printing.download(letter, directory)
        await self.report(letter, letter_pb2.LetterPrinted(file_sha256=file_digest(pdf)))


async def live(post: Post, citizen: Citizen) -> None:
    """Has the post know where a citizen lives."""
    person = registration_pb2.NaturalPerson(
        full_name=f"{citizen.person.given_name} {citizen.person.surname}", residence=HOME
    )
    await (await post.registration(post.world.operator)).ChangeHolderData(
        registration_pb2.ChangeHolderDataRequest(
            request_id=f"home-{citizen.person.personal_number}",
            address=citizen.address,
            natural_person=person,
            update_mask=FieldMask(paths=["full_name", "residence"]),
            document_reference="identity card",
        )
    )
