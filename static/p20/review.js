// Single keys for reading pairs of records, and cells of tables. They can be switched off, and never act while somebody types.
(() => {
  "use strict";
  const NAME = "p20-review-keys";
  const box = document.querySelector("[data-keys-switch]");
  if (!box) return;
  const kept = () => {
    try { return window.localStorage.getItem(NAME); } catch { return null; }
  };
  box.checked = kept() !== "off";
  box.addEventListener("change", () => {
    try { window.localStorage.setItem(NAME, box.checked ? "on" : "off"); } catch { /* for this page alone */ }
  });
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const on = event.target;
    if (on instanceof HTMLElement && on.matches("input:not([type=checkbox]), textarea, select")) return;
    const button = document.querySelector(`:is(button, a)[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
