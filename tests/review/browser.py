"""The App's page as a person uses it: open a view, open a photo, click a box, type a tag."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

ARGUMENTS = (
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
WAIT = 60_000  # milliseconds until a page that hangs is given up


def chromium() -> str | None:
    """The browser's program."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class AppPage:
    """A tab with the App."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open_view(self, name: str, holds: str) -> None:
        """Choose another saved view, wait until the App says that it `holds` so many, and until those are drawn.

        What the App's server remembers of the page before may reach a fresh page late and undo the choice: it is made
        again, as a person would.
        """
        self.close_photo()
        counts = self.page.locator("[data-cy=entry-counts]")
        drawn = "document.querySelectorAll('[data-cy=fo-grid] canvas')"
        self.page.evaluate(f"() => {drawn}.forEach(one => one.setAttribute('before', ''))")
        for patience in (WAIT / 4, WAIT / 4, WAIT):
            self.page.locator("[data-cy=saved-views-selection]").click()
            self.page.locator(f"[data-cy=saved-views-{slug(name)}-selection-option]").click()
            if self._says(counts, holds, patience):
                break
        else:
            raise AssertionError(f"{name}: {holds} expected, the App says {counts.inner_text()}")
        self.page.wait_for_function(
            f"() => {drawn}.length && [...{drawn}].every("
            "one => !one.hasAttribute('before') && one.getAttribute('canvas-loaded') === 'true')",
            timeout=WAIT,
        )

    def _says(self, place: Any, text: str, patience: float) -> bool:
        from playwright.sync_api import expect

        try:
            expect(place).to_have_text(text, timeout=patience)
        except AssertionError:
            return False
        return True

    def open_photo(self, place: int = 0) -> None:
        """Open the photo at a place of the grid."""
        self.page.locator("[data-cy=looker]").nth(place).click()
        self.page.wait_for_selector("[data-cy=modal] canvas[canvas-loaded=true]", timeout=WAIT)

    def close_photo(self) -> None:
        """Close the photo: which one is open is kept by the server, for all tabs."""
        if self.page.locator("[data-cy=modal]").count():
            self.page.mouse.click(20, 500)  # beside it
            self.page.locator("[data-cy=modal]").wait_for(state="detached", timeout=WAIT)

    def leave(self) -> None:
        """Go back to all photos: the server hands an open view to the next tab, where choosing it is no change."""
        self.close_photo()
        clear = self.page.locator("[data-cy=saved-views-btn-selection-clear]")
        clear.click()
        clear.wait_for(state="detached", timeout=WAIT)

    def click_box(self) -> None:
        """Click what is in the middle of the open photo, and wait until it counts as selected."""
        canvas = self.page.locator("[data-cy=modal] canvas[canvas-loaded=true]").bounding_box()
        x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
        self.page.mouse.move(x, y)
        self.page.wait_for_selector("[data-cy=sample-canvas-tooltip-content]", timeout=WAIT)
        self.page.mouse.click(x, y)
        selected = self.page.locator("[data-cy=modal] [data-cy=action-manage-selected]").first
        selected.filter(has_text=re.compile(r"^\s*1\s*$")).wait_for(timeout=WAIT)

    def select(self, place: int) -> None:
        """Tick what is at a place of the grid."""
        one = self.page.locator("[data-cy=looker]").nth(place)
        one.hover()
        one.locator("[data-cy^=looker-checkbox-] input").first.evaluate("box => box.click()")

    def tag(self, tag: str, kind: str, where: str = "[data-cy=modal] ") -> None:
        """Tag what is selected: a "label" (a box) or the "sample" (the photo, or the patch), in a photo or the grid."""
        self.page.locator(f"{where}[data-cy=action-tag-sample-labels]").first.click()
        self.page.locator(f"[data-cy=tagger-switch-{kind}]").click()
        entry = self.page.locator(f"[data-cy={kind}-tag-input]")
        entry.wait_for(timeout=WAIT)
        entry.fill(tag)
        entry.press("Enter")
        apply = self.page.get_by_text("Apply", exact=True)
        apply.click()
        apply.wait_for(state="detached", timeout=WAIT)

    def press(self, key: str, text: str) -> None:
        """Press a key, and wait for the text by which the App answers."""
        self.page.keyboard.press(key)
        self.page.get_by_text(text).first.wait_for(timeout=WAIT)

    def choose_first(self) -> str:
        """In the question that is open, choose the first of what is offered, and send it; its words."""
        form = self.page.locator(".MuiDialog-root")
        first = form.locator("label").filter(has=self.page.locator("input[type=radio]")).first
        words = str(first.inner_text())
        first.click()
        form.get_by_text("Tag", exact=True).click()
        form.wait_for(state="detached", timeout=WAIT)
        return words

    def edit(self, labels: Sequence[str], x: float, to: str) -> None:
        """In the mode to annotate, move the first box of these classes to `x`, a share of the width: a `to` now."""
        from playwright.sync_api import expect

        photo = self.page.locator("[data-cy=modal]")
        photo.locator("[data-cy=annotate]").click()
        photo.locator("[data-cy=sidebar]").get_by_text(re.compile(f"^({'|'.join(labels)})$")).first.click()
        saved = photo.locator("[data-cy=annotation-save-state]").first
        left = photo.locator("[data-cy=root_position_x_container] input")
        for change in (
            lambda: (left.fill(str(x)), left.press("Enter")),
            lambda: photo.locator("[data-cy=root_label_container]").get_by_text(to, exact=True).click(),
        ):
            # That it is not saved yet may be shown for too short a time to be seen.
            with self.page.expect_response(lambda answer: answer.request.method == "PATCH", timeout=WAIT) as sent:
                change()
            assert sent.value.ok
            expect(saved).to_have_attribute("data-settled", "true", timeout=WAIT)
        photo.locator("[data-cy=explore]").click()

    def draw(self, start: tuple[float, float], end: tuple[float, float], label: str | None) -> None:
        """In the mode to annotate, draw a box between two points of the page, and choose its class."""
        photo = self.page.locator("[data-cy=modal]")
        photo.locator("[data-cy=annotate]").click()
        photo.locator("[data-cy=lighter-sample-renderer-canvas]").wait_for(timeout=WAIT)
        tool = photo.locator("[data-cy=detection-mode]")
        if tool.is_visible():  # a patch opens with it
            tool.click()
        self.page.get_by_text("Click and drag to create a bounding box").first.wait_for(timeout=WAIT)
        with self.page.expect_response(_is_saved, timeout=WAIT):
            self.page.mouse.move(*start)
            self.page.mouse.down()
            self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=5)
            self.page.mouse.move(*end, steps=5)
            self.page.mouse.up()
        if label is not None:
            with self.page.expect_response(_is_saved, timeout=WAIT):
                photo.locator("[data-cy=root_label_container]").get_by_text(label, exact=True).click()
        photo.locator("[data-cy=explore]").click()  # the next photo opens in the mode of this one


def _is_saved(response: Any) -> bool:
    return response.request.method == "PATCH" and "/sample/" in response.url and response.ok


def slug(name: str) -> str:
    """A view's name in an address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@contextmanager
def tab(url: str) -> Iterator[AppPage]:
    """A fresh browser that reaches this machine alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.set_default_timeout(WAIT)
        page.add_init_script("window.IS_PLAYWRIGHT = true")
        page.goto(url)
        page.wait_for_selector("[data-cy=spotlight-section-forward]", timeout=WAIT)
        app = AppPage(page)
        yield app
        app.leave()
        browser.close()
