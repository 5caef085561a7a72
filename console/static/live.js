// A run that is going on tells its news by server-sent events; without them the page is reloaded by hand.
const run = document.querySelector("[data-live]");

function show(name, value) {
  for (const place of run.querySelectorAll(`[data-field="${name}"]`)) {
    if (place.tagName !== "PROGRESS") place.textContent = value;
    else if (value === null) place.removeAttribute("value");
    else place.value = value;
  }
}

if (run) {
  const source = new EventSource(run.dataset.live);
  source.addEventListener("news", (event) => {
    for (const [name, value] of Object.entries(JSON.parse(event.data))) show(name, value);
  });
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
  addEventListener("pagehide", () => source.close());
}

const turning = document.querySelector("[data-reload]"); // what moves slowly is looked at again
if (turning) setTimeout(() => location.reload(), 1000 * turning.dataset.reload);
