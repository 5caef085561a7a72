// The editor of journeys: steps move without leaving the page, and conditions count while one types.
// Without this the buttons send the page to and fro, and "Check" counts.
const form = document.getElementById("journey");
const timers = new Map();

const count = async (area) => {
  const place = area.parentElement.querySelector("[data-counted]");
  const body = new URLSearchParams({ csrf: form.elements.csrf.value, condition: area.value });
  const answer = await fetch(form.dataset.count, { method: "POST", body });
  if (answer.ok && place.isConnected) place.innerHTML = await answer.text();
};

form.addEventListener("input", (event) => {
  if (!event.target.matches("[data-condition]")) return;
  clearTimeout(timers.get(event.target));
  timers.set(event.target, setTimeout(count, 500, event.target));
});

// Where the keyboard goes on: the step that was moved, the new one, or what stands where one was removed.
const next = (value) => {
  const [act, ...rest] = value.split(":");
  let path = rest[0] ?? "";
  if (act === "add") path = `${rest[1] ? `${rest[1]}.` : ""}${rest[2]}`;
  if (act === "up" || act === "down") path = path.replace(/\d+$/, (n) => Number(n) + (act === "up" ? -1 : 1));
  const step = form.querySelector(`[data-step="${path}"]`);
  const fields = "input:not([type=hidden]), select, textarea";
  const same = form.querySelector(`[value="${act}:${path}"]:not(:disabled)`);
  return (act === "add" ? step?.querySelector(fields) : same) ?? step?.querySelector("button:not(:disabled)") ?? form.querySelector(".add summary");
};

form.addEventListener("submit", async (event) => {
  const pressed = event.submitter;
  if (pressed?.name !== "do" || pressed.value === "save") return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, pressed)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("draft");
  if (!fresh) return location.reload();
  document.getElementById("draft").replaceWith(fresh);
  if (pressed.value === "check") form.querySelector("[aria-invalid]")?.focus();
  else next(pressed.value)?.focus();
});
