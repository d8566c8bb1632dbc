"""What a review has to reach, said before anything is read: the port of its App, and a database that somebody named."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec

from detect.errors import DetectError, MissingExtra

WAIT = 4  # seconds until a database that does not answer is given up
CONNECT = 2  # seconds for one try: less, so that there is a reason to give


def check_start(address: str = "", port: int = 0) -> None:
    """Whether a review can start: FiftyOne is here, the port (0: none is needed) is free, a named database answers.

    Raises MissingExtra and DetectError.
    """
    if find_spec("fiftyone") is None:
        raise MissingExtra("fiftyone", "review")
    if port:
        check_port(address, port)
    if uri := os.environ.get("FIFTYONE_DATABASE_URI"):
        check_database(uri)


def check_port(address: str, port: int) -> None:
    """Raise DetectError where something listens there already, or the address is none of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise DetectError(
                f"{address}:{port} cannot be used: {error.strerror}; give another one with --port"
            ) from None


def check_database(uri: str) -> None:
    """Raise DetectError, with the reason, where no MongoDB answers at this address within `WAIT` seconds.

    An address that says itself how long to wait (serverSelectionTimeoutMS) is believed.
    """
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    own = "serverselectiontimeoutms" in uri.lower()
    limits = {} if own else {"serverSelectionTimeoutMS": 1000 * WAIT, "socketTimeoutMS": 1000 * CONNECT}
    try:
        with MongoClient(uri, connectTimeoutMS=1000 * CONNECT, **limits) as client:
            client.admin.command("ping")
    except (PyMongoError, ValueError, OSError) as error:  # ValueError: an address that is none
        raise DetectError(unusable(uri, error)) from None


def unusable(uri: str, error: Exception) -> str:
    """Why FiftyOne cannot use a database."""
    return f"FiftyOne cannot use the database {shown(uri)}: {reason(error)}"


def shown(uri: str) -> str:
    """The address without user, password and options."""
    return uri.rpartition("@")[2].partition("?")[0].removeprefix("mongodb://").rstrip("/")


def reason(error: Exception) -> str:
    """Why, in a line, without the settings of the client and without a piece of the password."""
    text = str(error).strip().split("\n")[0].partition(" (configured timeouts")[0].partition(", Timeout: ")[0]
    if "No servers found yet" in text:
        return "it does not answer in time"
    return "it is no valid address" if "@" in text else text
