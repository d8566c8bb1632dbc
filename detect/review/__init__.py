"""Every mistake of a detector, looked at in FiftyOne, corrected there, and the corrected dataset taken back.

>>> with reviewing() as reviews:                                    # doctest: +SKIP
...     reviews.load("cars", dataset, {"yolo": evaluation})
...     reviews.show("cars", address="127.0.0.1", port=5151)
...     fixed = reviews.collect("cars")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.conversion.photo_labels import questions_from
from detect.errors import Problems
from detect.review.changes import Change
from detect.review.corrections import Corrections, collect
from detect.review.database import folder, one_at_a_time, running
from detect.review.findings import read_off
from detect.review.unused import Known, noted

if TYPE_CHECKING:
    from detect.data import Dataset, Image
    from detect.errors import Problem
    from detect.evaluation import Evaluation

__all__ = ["Change", "Corrections", "Reviews", "reviewing"]


@contextmanager
def reviewing() -> Iterator[Reviews]:
    """The reviews in the database, which runs while this block does; see `running`, whose errors are raised."""
    with running() as uri:
        from detect.review.fiftyone import connected

        with connected(uri):
            yield Reviews()


class Reviews:
    """Datasets under review, by name. They outlive the process, and so does what was tagged in them."""

    def load(
        self,
        name: str,
        dataset: Dataset,
        results: Mapping[str, Evaluation],
        *,
        problems: tuple[Problem, ...] = (),
        source: str | Path = "",
    ) -> dict[str, int]:
        """Load images and what was found in them; the views, and how many images or boxes each has.

        `results`: what evaluations of this dataset say, by the name of the model; the first is in front, and is
        compared with the second. What is there already stays, with every tag: new images and models are added, and
        the same again changes nothing. `problems`: what was found wrong in the data when it was read; `source`: where
        the data lie, by which other data of the same name are recognised. One command loads at a time.

        Raises DataError where photos are missing, or the review holds other data, or other annotations of the same
        images; DetectError for a name that cannot be one.
        """
        from detect.review.documents import found_documents, image_fields
        from detect.review.fiftyone import appearance, fields, patches, store, views

        first, images = next(iter(results.values())), {image.name: image for image in dataset.images}
        with one_at_a_time(folder() / "load.lock"):
            where = str(Path(source).resolve()) if source else ""
            there = store.load(dataset, name, image_fields(dataset, first, problems), where)
            models: dict[str, str] = {}
            for model, result in results.items():
                field = store.field_of(there, model, result)
                seen = [images[one] for one in result.table.images]
                store.add_predictions(there, seen, field, found_documents(seen, read_off(result), field))
                models[field] = f"{metrics(result)}  {field}"
            patches.keep_tags(there)
            there.info[fields.INFO]["front"] = next(iter(models))
            appearance.dress(there, models, headline(results))
            return {view.name: len(view.view) for view in views.save_views(there, list(models))}

    def embed(self, name: str, images: Sequence[Image], weights: str | Path) -> None:
        """Let the App show which photos look alike to a network, see `embedder`. Raises ModelError, DataError."""
        from detect.review.embeddings import vectors
        from detect.review.fiftyone import maps, store

        maps.add_map(store.opened(name), [image.name for image in images], vectors(images, weights))

    def export(self, name: str, dest: Path, dataset: Dataset, model: str, result: Evaluation) -> None:
        """Write the views that show photos as pages to the new folder `dest`, see `write_pages`."""
        from detect.review.fiftyone import store, views
        from detect.review.pages import Page, write_pages

        there = store.opened(name)
        mine = set(result.table.images)  # the review may hold more, of other splits
        pages = [
            Page(view, about, [one for one in names if one in mine]) for view, about, names in views.as_names(there)
        ]
        write_pages(dest, name, headline({model: result}), pages, dataset, result, read_off(result))

    def show(
        self,
        name: str,
        *,
        address: str = "127.0.0.1",
        port: int = 5151,
        browser: bool = False,
        ready: Callable[[str], None] = lambda _url: None,
    ) -> None:
        """Serve the App until Ctrl-C or SIGTERM; `ready` gets the address. Raises DetectError, see `app.serve`."""
        from detect.review.fiftyone import app, store

        app.serve(store.opened(name), address=address, port=port, browser=browser, ready=ready)

    def collect(self, name: str, *, partial: bool = False) -> Corrections:
        """The dataset as tags and edits want it.

        Raises DetectError for an unknown name; DataError, with all of it, where something that people did in the App
        cannot be used. With `partial` that is left out, and listed in the result.
        """
        from detect.review.fiftyone import fields, patches, store

        there = store.opened(name)
        about: dict[str, Any] = there.info[fields.INFO]
        known = fields.known_attributes(there)
        questions, unused = questions_from(about.get("questions"), name, Problems()), Problems()
        models, front = list(about["models"]), about.get("front")
        ours = Known(models, fields.known_attributes(there, "image_attributes"), known)
        samples = noted(patches.merged(there, store.samples(there), unused), ours, unused)
        found = collect(samples, about["classes"], models, front, known, questions, unused)
        if not partial:
            unused.raise_errors()
        if (gone := about.get("photos", 0) - store.count(there)) > 0:
            change = Change("", 0, "drop image", f"{gone} photos", "", "deleted in the App")
            found = replace(found, changes=(*found.changes, change))
        return found


def metrics(result: Evaluation) -> str:
    """The metrics that matter, in half the room of a heading: "AP50 0.61  mAP 0.31"."""
    names = {"map50": "AP50", "map": "mAP"}
    return "  ".join(f"{title} {result.estimate(key).value:.2f}" for key, title in names.items())


def headline(results: Mapping[str, Evaluation]) -> str:
    """The metrics that matter, of each model, in a line each."""
    from detect.evaluation.tables import show, span

    names = {"map50": "AP50", "map": "mAP", "precision": "precision", "recall": "recall"}
    lines = []
    for model, result in results.items():
        estimates = {title: result.estimate(key) for key, title in names.items()}
        shown = [f"{title} {show(one.value)} ({span(one.low, one.high)})" for title, one in estimates.items()]
        lines.append(f"{model}: {', '.join(shown)}".replace(" (-)", ""))
    return "\n".join(lines)
