"""The only place that knows FiftyOne: the dataset in its database, its looks and views, and the App.

`connected` comes first. FiftyOne's fields are declared by its public interface; the documents themselves are written to
its collection directly, because a FiftyOne label object costs more time than everything else together.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from detect.errors import DetectError
from detect.review.reachable import reason, shown, unusable

NEEDLESS = "databricks.sdk"  # comes with mlflow; FiftyOne imports all of it, only to leave its name there


@contextmanager
def not_installed(module: str) -> Iterator[None]:
    """Until the block ends a module is as one that is not installed, unless it is in use already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def connected(uri: str) -> Iterator[None]:
    """FiftyOne on this database, with tracking off, until the block ends.

    Raises DetectError where the database is unreachable or gets lost, FiftyOne is in use with another one, or broken.
    """
    if "fiftyone" in sys.modules and sys.modules["fiftyone"].config.database_uri != uri:
        raise DetectError("FiftyOne was imported before, with another database; review in a process of its own")
    before = os.environ.get("FIFTYONE_DATABASE_URI")
    os.environ.update(FIFTYONE_DATABASE_URI=uri, FIFTYONE_DO_NOT_TRACK="true")
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")  # else it remarks on each start that 6.0 is old
    try:
        with _imported(uri):
            yield
    finally:
        if before is None:  # the next review of this process is to find its own
            del os.environ["FIFTYONE_DATABASE_URI"]


@contextmanager
def _imported(uri: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings(), not_installed(NEEDLESS):
            warnings.simplefilter("ignore")
            import fiftyone
            from fiftyone.core.odm import database
            from pymongo.errors import ConnectionFailure

            fiftyone.list_datasets()
    except ImportError as error:
        remedy = "pip install --upgrade 'damage-detect[review]'"
        raise DetectError(f"the FiftyOne installed here does not work: {reason(error)}; {remedy}") from None
    except Exception as error:  # noqa: BLE001  it opens a database while it is imported
        raise DetectError(unusable(uri, error)) from None
    fiftyone.config.show_progress_bars = False
    logging.getLogger("fiftyone").setLevel(logging.ERROR)  # it warns of its own settings at each click
    # It would do this when Python ends, and by then the database may be gone.
    atexit.unregister(database._delete_non_persistent_datasets_if_allowed)
    try:
        try:
            yield
        finally:
            try:
                database._delete_non_persistent_datasets_if_allowed()
            finally:
                _disconnect()
    except ConnectionFailure as error:
        raise DetectError(
            f"the database {shown(uri)} was lost: {reason(error)}; what was written is kept: give the command again"
        ) from None


def _disconnect() -> None:
    """Close FiftyOne's client and drop what still holds it, so that the next review of this process opens its own.

    Its threads would look for the database as long as the process lives.
    """
    from fiftyone.core.odm import database
    from fiftyone.factory import repo_factory

    database._disconnect()
    repo_factory._db = None
    repo_factory.RepositoryFactory.repos.clear()
