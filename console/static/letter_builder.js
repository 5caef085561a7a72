// The editor of letters: the preview follows what is typed, and blocks move without leaving the page.
const form = document.getElementById("builder");
const blocks = document.getElementById("blocks");
const said = document.getElementById("said");
const button = form.querySelector("[data-show]");
let timer;
let typing; // where a variable goes

// Into a fresh frame each time, so that going back doesn't go through every letter typed.
const show = () => {
  const old = document.querySelector("iframe[name=preview]");
  const fresh = old.cloneNode();
  fresh.removeAttribute("src");
  old.removeAttribute("name");
  fresh.classList.add("coming");
  fresh.addEventListener("load", () => {
    if (fresh.isConnected && old.isConnected) old.remove();
    fresh.classList.remove("coming");
  });
  old.after(fresh);
  form.requestSubmit(button);
};
const later = () => {
  clearTimeout(timer);
  timer = setTimeout(show, 500);
};
form.addEventListener("input", later);
document.querySelector(".letter-preview").addEventListener("change", show);

form.addEventListener("submit", async (event) => {
  const pressed = event.submitter;
  if (pressed?.name === "show" && pressed !== button) document.querySelector(".letter-preview").scrollIntoView({ block: "nearest" });
  if (pressed?.name !== "do" || pressed.value === "save" || pressed.value === "find") return;
  event.preventDefault();
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form, pressed) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const made = page.getElementById("blocks");
  if (!made) return location.reload();
  blocks.replaceChildren(...made.childNodes);
  said.replaceChildren(...page.getElementById("said").childNodes);
  const [act, place] = pressed.value.split(":");
  const at = act === "up" || act === "down" ? place.replace(/\d+$/, (n) => Number(n) + (act === "up" ? -1 : 1)) : null;
  const next = at === null ? null : form.querySelector(`[value="${act}:${at}"]:not(:disabled)`) ?? form.querySelector(`[data-block="${at}"] button:not(:disabled)`);
  (next ?? form.querySelector(`[value="${CSS.escape(pressed.value)}"]`) ?? blocks.querySelector("button"))?.focus();
  show();
});

form.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea, input.input")) typing = event.target;
});
for (const code of document.querySelectorAll("[data-insert]")) {
  const insert = document.createElement("button");
  insert.type = "button";
  insert.className = "link";
  insert.append(...code.childNodes);
  insert.addEventListener("click", () => {
    if (!typing?.isConnected) return;
    typing.setRangeText(code.dataset.insert, typing.selectionStart, typing.selectionEnd, "end");
    typing.focus();
    later();
  });
  code.append(insert);
}

if (form.dataset.unsaved !== undefined) show();
