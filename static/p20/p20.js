// Small help on top of pages that work without it. No inline handlers: the page's policy forbids them.
(() => {
  "use strict";

  // After a form came back with errors, start reading at their summary.
  const summary = document.querySelector("[data-take-focus]");
  if (summary) {
    document.title = `Error: ${document.title}`;
    summary.focus();
  }

  // A second click on the same button sends nothing. After a while it may be pressed again: the answer
  // may have been a file, or the connection was lost.
  const freed = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("once" in form.dataset)) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-disabled", "true"));
    window.setTimeout(() => freed(form), 10_000);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach(freed);
  });

  // When the work a page waits for is over, the page loads itself anew: what it said of the last act stays.
  const KEPT = "p20-said";
  const place = document.querySelector("[data-said]");
  const kept = JSON.parse(window.sessionStorage.getItem(KEPT) ?? "null");
  window.sessionStorage.removeItem(KEPT);
  if (place?.hidden && kept?.where === window.location.href) {
    place.append(...kept.said.map(({ look, role, text }) => {
      const [box, body, words] = ["div", "div", "p"].map((name) => document.createElement(name));
      box.className = look;
      box.setAttribute("role", role);
      body.className = "usa-alert__body";
      words.className = "usa-alert__text";
      words.textContent = text;
      body.append(words);
      box.append(body);
      return box;
    }));
    place.hidden = false;
  }
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Refresh") !== "true" || !place || place.hidden) return;
    const said = [...place.children].map((box) => ({
      look: box.className, role: box.getAttribute("role"), text: box.textContent.trim(),
    }));
    window.sessionStorage.setItem(KEPT, JSON.stringify({ where: window.location.href, said }));
  });

  // On a phone each row of a plain table is drawn as a list, every cell under its column's name. The roles
  // keep it a table for screen readers, which no longer see one once its cells are drawn as blocks.
  const role = (name, elements) => [...elements].forEach((element) => element.setAttribute("role", name));
  const asList = (table) => {
    const [head, ...more] = table.tHead?.rows ?? [];
    if (!head || more.length || [...head.cells].some((cell) => cell.colSpan > 1)) return;
    const names = [...head.cells].map((cell) => cell.textContent.trim());
    for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
      let place = 0;
      for (const cell of row.cells) {
        cell.dataset.label = names[place] ?? "";
        cell.toggleAttribute("data-empty", !cell.textContent.trim() && !cell.children.length);
        place += cell.colSpan;
      }
    }
    role("table", [table]);
    role("rowgroup", [table.tHead, ...table.tBodies]);
    role("row", table.rows);
    role("columnheader", table.querySelectorAll("th[scope=col]"));
    role("rowheader", table.querySelectorAll("th[scope=row]"));
    role("cell", table.querySelectorAll("td"));
    table.classList.add("p20-table--list");
  };
  document.querySelectorAll(".p20-table:not(.p20-grid)").forEach(asList);

  // A job asks every two seconds; say only what is new, not every number.
  document.addEventListener("htmx:afterSwap", (event) => {
    const job = event.target;
    if (!(job instanceof HTMLElement) || !("job" in job.dataset)) return;
    const said = document.getElementById(`${job.id}-said`);
    const now = job.querySelector("[data-job-message]");
    if (said && now && said.textContent !== now.textContent) said.textContent = now.textContent;
  });
})();
