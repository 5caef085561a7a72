// What the lines find is shown while one types; without this it shows what was saved.
const form = document.getElementById("mapping");
const place = document.getElementById("found");
let waiting = null;
let timer;

const look = async () => {
  waiting?.abort();
  waiting = new AbortController();
  try {
    const answer = await fetch(form.dataset.look, { method: "POST", body: new FormData(form), signal: waiting.signal, headers: { "x-requested-with": "builder" } });
    if (answer.ok) place.innerHTML = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
};
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, 400);
});
