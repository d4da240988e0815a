"""What is told of an address that can't be listened on, whoever would listen there."""


def cant_listen(address: str) -> OSError:
    """Returns what is told of an address that can't be listened on."""
    return OSError(f"can't listen on {address}: another program does, or this is no address of this machine")
