"""The fake registers keep what the client keeps."""

import pytest

from server.usecases.state_registers import StateRegisters
from tests.contracts.state_registers_contract import StateRegistersContract
from tests.fakes.state_registers import FakeStateRegisters


class _Scene(FakeStateRegisters):
    @property
    def registers(self) -> StateRegisters:
        return self


class TestFakeStateRegisters(StateRegistersContract):
    @pytest.fixture
    def scene(self) -> _Scene:
        return _Scene()
