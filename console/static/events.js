// Events of a site put themselves on top of the list as they come; pausing keeps them until one goes on.
const list = document.querySelector("[data-stream]");
const most = Number(list?.dataset.most);
let kept = null; // what has come during a pause

function place(said) {
  if (list.querySelector(`[data-row="${CSS.escape(said.id)}"]`)) return;
  const row = document.getElementById(`${list.id}-row`).content.firstElementChild.cloneNode(true);
  const slot = (name) => row.querySelector(`[data-slot="${name}"]`);
  row.dataset.row = said.id;
  for (const name of ["at", "who", "mark", "amount"]) slot(name).textContent = said[name];
  slot("text").firstElementChild.textContent = said.text;
  slot("text").href = said.href;
  slot("at").dateTime = said.stamp;
  slot("at").title = said.exact;
  slot("mark").hidden = !said.mark;
  if (said.dot) slot("dot").classList.add(said.dot);
  list.prepend(row);
  while (list.childElementCount > most) list.lastElementChild.remove();
  document.querySelector("[data-empty]")?.remove();
}

if (list) {
  const button = document.querySelector(`[data-pause="${list.id}"]`);
  const words = button.textContent;
  const source = new EventSource(list.dataset.stream);
  source.addEventListener("row", (event) => {
    const said = JSON.parse(event.data);
    if (!kept) return place(said);
    kept = [...kept, said].slice(-most);
    button.textContent = button.dataset.waiting.replace("{count}", kept.length);
  });
  addEventListener("pagehide", () => source.close());
  button.hidden = false;
  button.addEventListener("click", () => {
    kept?.forEach(place);
    kept = kept ? null : [];
    button.textContent = kept ? button.dataset.resume : words;
    button.setAttribute("aria-pressed", String(Boolean(kept)));
  });
}
