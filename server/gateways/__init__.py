"""The outside world, behind the protocols that use cases ask for."""
