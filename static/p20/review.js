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
  // Of several pairs on one page: a word for the pair where the focus is, or the first open one; then on to the next.
  const isOpen = (pair) => !pair.querySelector("input:checked");
  const said = (key, on) => {
    const pairs = [...document.querySelectorAll("fieldset[data-pair]")];
    const here = pairs.find((pair) => pair.contains(on)) || pairs.find(isOpen);
    const way = here && here.querySelector(`input[data-key="${key}"]`);
    if (!way) return false;
    way.checked = true;
    const next = pairs.slice(pairs.indexOf(here) + 1).find(isOpen) || pairs.find(isOpen);
    const focus = next ? next.querySelector("input") : document.querySelector("[data-pairs-said]");
    if (focus) focus.focus();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const on = event.target;
    if (on instanceof HTMLElement && on.matches("input:not([type=checkbox], [type=radio]), textarea, select")) return;
    const key = CSS.escape(event.key.toLowerCase());
    if (said(key, on)) {
      event.preventDefault();
      return;
    }
    const field = document.querySelector(`[data-key-focus="${key}"]`);
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
      return;
    }
    const button = document.querySelector(`:is(button, a)[data-key="${key}"]`);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();

// The cell whose card is shown: its column in a table that scrolls sideways, and its row beside the card.
(() => {
  "use strict";
  const cell = document.querySelector("table.p20-grid td.p20-here");
  const box = cell?.closest(".usa-table-container--scrollable");
  if (!box || !document.getElementById("card-title")) return;
  const show = () => {
    const [inner, outer] = [cell.getBoundingClientRect(), box.getBoundingClientRect()];
    const name = cell.parentElement.querySelector("th")?.getBoundingClientRect().width ?? 0;
    if (inner.right > outer.right || inner.left < outer.left + name) box.scrollLeft += inner.left - outer.left - name - 16;
    const below = inner.bottom - window.innerHeight + 16;
    if (below > 0 && window.matchMedia("(min-width: 55em)").matches) window.scrollBy(0, below);
  };
  if (document.readyState === "complete") show();
  else window.addEventListener("load", show);
})();
