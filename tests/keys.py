"""Keys as openssl writes them."""

import subprocess

from tests.brokers import find_program


def openssl(*arguments):
    """Run it and return what it prints, or skip the test where it is missing."""
    command = [find_program("openssl"), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def make_key(folder, name="ours", *options):
    """Write a key pair and return both files."""
    private, public = folder / f"{name}.key", folder / f"{name}.pem"
    kind = options or ("-algorithm", "ed25519")
    openssl("genpkey", *kind, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    return private, public
