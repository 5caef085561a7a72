// "/" goes to the search; j and k walk a list; a key presses the button of the current entry that names it.
const entries = () => [...document.querySelectorAll("[data-entry]")];
let current = -1;

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function move(step) {
  const all = entries();
  if (!all.length) return;
  const at = all.findIndex((entry) => entry.contains(document.activeElement));
  current = Math.max(0, Math.min(all.length - 1, (at < 0 ? current : at) + step));
  all.forEach((entry, index) => entry.classList.toggle("current", index === current));
  const target = all[current].querySelector("a, button") ?? all[current];
  target.focus({ preventScroll: true });
  all[current].scrollIntoView({ block: "nearest" });
}

function press(key) {
  const entry = entries()[Math.max(0, current)] ?? document;
  const button = entry.querySelector(`[data-key~="${CSS.escape(key)}"]`);
  button?.click();
  return Boolean(button);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "/") {
    document.querySelector("[data-search]")?.focus();
  } else if (entries().length && (event.key === "j" || event.key === "k")) {
    move(event.key === "j" ? 1 : -1);
  } else if (event.repeat || event.shiftKey || !press(event.key)) {
    return; // a key held down decides nothing about what comes next
  }
  event.preventDefault();
});

document.querySelector("[data-entry].current") && (current = 0);
