// The builder redraws itself when a choice needs other fields, and counts while one types.
// Without this the buttons send the page to and fro, and it is counted after saving.
const form = document.getElementById("segment");
let waiting = null;
let timer;
let drawn = Promise.resolve();

const send = (url, body, signal) => fetch(url, { method: "POST", body, signal, headers: { "x-requested-with": "builder" } });

const count = async () => {
  clearTimeout(timer);
  waiting?.abort();
  const mine = waiting = new AbortController();
  const place = document.getElementById("count");
  place.classList.add("stale");
  try {
    const answer = await send(form.dataset.count, new FormData(form), mine.signal);
    const said = answer.ok ? await answer.text() : "";
    if (said) place.innerHTML = said;
    else place.replaceChildren(document.getElementById("uncounted").content.cloneNode(true));
    place.classList.remove("stale");
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
};

const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(count, 500);
};

const keep = (fresh, body) => { // what was typed meanwhile stays
  for (const control of fresh.querySelectorAll("[name]")) {
    const typed = form.elements.namedItem(control.name)?.value;
    if (control.type === "hidden" || control.type === "submit" || typed === undefined || typed === body.get(control.name)) continue;
    if (!control.options || [...control.options].some((one) => one.value === typed)) control.value = typed;
  }
};

const redraw = async (what) => {
  const body = new FormData(form);
  body.set("do", what);
  const answer = await send(form.action, body);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("draft");
  if (!fresh) return;
  keep(fresh, body);
  fresh.querySelector("#count").replaceWith(document.getElementById("count"));
  const { name, type, value, selectionStart, selectionEnd } = document.activeElement; // where one is now, not where one was
  document.getElementById("draft").replaceWith(fresh);
  const place = form.querySelector(`[name="${CSS.escape(name || "")}"]${type === "submit" ? `[value="${CSS.escape(value)}"]` : ""}`);
  place?.focus();
  if (selectionStart != null) place?.setSelectionRange?.(selectionStart, selectionEnd);
  count();
};

// one after the other: each sends what the one before has drawn
const next = (what) => { drawn = drawn.catch(() => {}).then(() => redraw(what)); };

form.addEventListener("change", (event) => {
  if (event.target.matches("[data-redraw]")) next("show");
});
form.addEventListener("input", (event) => {
  if (event.target.name?.startsWith("n.")) soon();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-quiet]");
  if (!button) return;
  event.preventDefault();
  next(button.value);
});
if (form.querySelector(".condition .input, .condition select")) count();
