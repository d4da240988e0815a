"""Wires the state's registers."""

from datetime import timedelta

from server.config import RegisterSettings, Settings
from server.gateways.state_registers.gateway import HttpStateRegisters
from server.gateways.state_registers.register import Patience
from server.gateways.state_registers.transport import Endpoint


def state_registers(settings: Settings) -> HttpStateRegisters:
    """Returns the state's registers as the settings name them; whoever uses them closes them."""
    registers = settings.registers
    return HttpStateRegisters.at(
        persons=_endpoint(registers.persons, registers.connect_timeout),
        entities=_endpoint(registers.entities, registers.connect_timeout),
        patience=Patience(
            seconds=registers.timeout.total_seconds(),
            attempts=registers.attempts,
            failures=registers.failures,
            rest_seconds=registers.rest.total_seconds(),
            keep_seconds=registers.keep.total_seconds(),
            most_kept=registers.kept_answers,
        ),
    )


def _endpoint(register: RegisterSettings, connect_timeout: timedelta) -> Endpoint | None:
    if not register.url:
        return None
    return Endpoint(
        register.url,
        authorities=register.authorities,
        certificate=register.certificate,
        key=register.key,
        token_file=register.token_file,
        connect_seconds=connect_timeout.total_seconds(),
    )
