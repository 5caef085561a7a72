// Small help with forms: the browser's zone, copying a secret, typing a name to confirm, no double sending, previews.
for (const input of document.querySelectorAll("[data-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || input.value;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
}

for (const input of document.querySelectorAll("[data-confirm]")) {
  const button = input.form.querySelector("button");
  const judge = () => { button.disabled = input.value !== input.dataset.confirm; };
  input.addEventListener("input", judge);
  judge();
}

for (const select of document.querySelectorAll("[data-send]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

for (const form of document.querySelectorAll("form[data-refresh]")) { // shows at once what a choice would come to
  let newest = 0;
  form.addEventListener("change", async () => {
    const mine = ++newest;
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    const shown = () => document.getElementById(form.dataset.refresh);
    shown().classList.add("stale");
    const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
    const fresh = page.getElementById(form.dataset.refresh);
    if (mine !== newest || !fresh) return;
    shown().replaceChildren(...fresh.childNodes);
    shown().classList.remove("stale");
    history.replaceState(null, "", address);
  });
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post" || !button || button.name) return;
  setTimeout(() => { button.disabled = true; });
  addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
});
