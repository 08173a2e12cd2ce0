// Before anything is drawn: let the style sheet know that scripts run.
document.documentElement.classList.add("js");
