// Keys of a review in FiftyOne's App. What a press does is decided in Python (detect/review/presses.py).
(() => {
  const KEYS = { o: "right", w: "wrong_class", d: "drop", a: "add", q: "disputed", n: "next", u: "undo" };
  // Typing, an open question, and the mode to annotate, which has keys of its own.
  const WRITING = "input, textarea, select, [contenteditable=true]";
  const BUSY = ".MuiDialog-root, [role=dialog]:not([data-cy=modal]), [data-cy=annotation-save-state]";

  document.addEventListener("keydown", (event) => {
    const name = KEYS[event.key];
    if (!name || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest(WRITING)) return;
    if (document.querySelector(BUSY)) return;
    event.preventDefault();
    window.__foo__.executeOperator(`@detect/review/${name}`);
  });
})();
