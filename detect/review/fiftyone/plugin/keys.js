// Keys of a review in FiftyOne's App. What a press does is decided in Python (detect/review/presses.py).
(() => {
  const app = window.__foo__; // FiftyOne's interface for plugins
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
    app.executeOperator(`@detect/review/${name}`);
  });

  // Goes `steps` photos on as the arrow does: a photo that is opened by its `id` alone would have no arrows any more.
  class Step extends app.Operator {
    get config() {
      return new app.OperatorConfig({ name: "step", label: "Review: step", unlisted: true });
    }

    async execute({ params: { steps, id } }) {
      const arrow = document.querySelector("[data-cy=nav-right-button]");
      if (!arrow) return app.executeOperator("open_sample", { id });
      for (let step = 0; step < steps; step++) arrow.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
  }
  app.registerOperator(Step, "@detect/review");
})();
