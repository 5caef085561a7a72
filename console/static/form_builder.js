// The builder's preview follows what is typed; without this it shows what was saved.
const form = document.getElementById("builder");
const frame = document.getElementById("preview");
const quiet = new Set(["csrf", "codes", "name", "do"]);
let variant = "A";
let timer;

const show = () => {
  const typed = new URLSearchParams([["typed", "1"], ["variant", variant]]);
  for (const [name, value] of new FormData(form)) if (!quiet.has(name) && typeof value === "string" && value) typed.append(name, value);
  frame.src = `${form.dataset.preview}?${typed}`;
};
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(show, 400);
});

for (const link of document.querySelectorAll("[data-variant]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    variant = link.dataset.variant;
    show();
  });
}

// Answers to choose from are asked of choices only; a spare row waits until the one before it is used.
const tidy = () => {
  for (const row of form.querySelectorAll(".asked")) {
    row.querySelector(".options").hidden = row.querySelector("select").value !== "choice";
  }
};
form.addEventListener("change", tidy);
tidy();
