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

  // A job asks every two seconds; say only what is new, not every number.
  document.addEventListener("htmx:afterSwap", (event) => {
    const job = event.target;
    if (!(job instanceof HTMLElement) || !("job" in job.dataset)) return;
    const said = document.getElementById(`${job.id}-said`);
    const now = job.querySelector("[data-job-message]");
    if (said && now && said.textContent !== now.textContent) said.textContent = now.textContent;
  });
})();
