"""The installed version."""

from importlib import metadata


def version() -> str:
    """Return the version of the installed distribution."""
    try:
        return metadata.version("metaloc")
    except metadata.PackageNotFoundError:
        return "unknown"
