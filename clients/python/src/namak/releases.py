"""Which release of a distribution is installed: for every `--version`, and protocols of ceremonies."""


def installed(distribution: str) -> str | None:
    """Returns a distribution's version; None where the program runs from a source tree."""
    from importlib import metadata  # brings the reader of e-mail with it, which few runs need

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
