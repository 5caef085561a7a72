// The builder redraws itself when a choice needs other fields, and counts while one types.
// Without this the buttons send the page to and fro, and it is counted after saving.
const form = document.getElementById("segment");
let waiting = null;
let timer;

const send = (url, body, signal) => fetch(url, { method: "POST", body, signal, headers: { "x-requested-with": "builder" } });

const count = async () => {
  waiting?.abort();
  waiting = new AbortController();
  const place = document.getElementById("count");
  place.classList.add("stale");
  try {
    const answer = await send(form.dataset.count, new FormData(form), waiting.signal);
    if (answer.ok) place.innerHTML = await answer.text();
    place.classList.remove("stale");
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
};

const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(count, 500);
};

const redraw = async (what, focus) => {
  const body = new FormData(form);
  body.set("do", what);
  const answer = await send(form.action, body);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("draft");
  if (!fresh) return;
  for (const control of fresh.querySelectorAll("[name]")) { // what was typed meanwhile stays
    const typed = form.elements.namedItem(control.name)?.value;
    if (control.type !== "hidden" && control.type !== "submit" && typed !== undefined && typed !== body.get(control.name)) control.value = typed;
  }
  const kept = document.getElementById("count");
  fresh.querySelector("#count").replaceWith(kept);
  document.getElementById("draft").replaceWith(fresh);
  form.querySelector(`[name="${CSS.escape(focus || "")}"]`)?.focus();
  count();
};

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-redraw]")) redraw("show", event.target.name);
});
form.addEventListener("input", (event) => {
  if (event.target.name?.startsWith("n.")) soon();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-quiet]");
  if (!button) return;
  event.preventDefault();
  redraw(button.value, document.activeElement?.name);
});
if (form.querySelector(".condition .input, .condition select")) count();
