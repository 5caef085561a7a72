// Runs the plugin's script with stand-ins for a page: node wordpress.js <kartoteka.js>, the page as JSON on the standard input.
const given = JSON.parse(require("fs").readFileSync(0, "utf8")),
  told = [],
  asked = [],
  heard = {},
  stored = given.stored || {};
const listen = (name, action) => (heard[name] = action);
globalThis.kartoteka = { id: given.blocked ? undefined : () => "d", push: (call) => told.push(call) };
globalThis.window = globalThis;
globalThis.addEventListener = listen;
globalThis.localStorage = {
  getItem: (name) => stored[name] ?? null,
  setItem: (name, value) => (stored[name] = value),
  removeItem: (name) => delete stored[name],
};
globalThis.document = {
  cookie: given.cookie || "",
  readyState: "complete",
  addEventListener: listen,
  body: { addEventListener: listen },
  getElementById: () => given.page && { textContent: given.page },
};
globalThis.DOMParser = class {
  parseFromString(html) {
    return { getElementById: () => ({ dataset: { events: html } }) };
  }
};
globalThis.jQuery = () => ({
  on: (names, action) => names.split(" ").forEach((name) => (heard[name] = action)),
});
globalThis.consent_api = { cookie_prefix: "wp_consent" };
globalThis.consent_api_get_cookie = (name) => (given.consents || {})[name] || "";
globalThis.fetch = async (url, request) => {
  asked.push([url, request.headers, String(request.body)]);
  if (given.offline) throw new TypeError("no network");
  return { json: async () => given.answer };
};
require("vm").runInThisContext(require("fs").readFileSync(process.argv[2], "utf8"));
for (const [name, ...rest] of given.happens || []) heard[name](...rest);
setTimeout(() => console.log(JSON.stringify({ told, asked, stored })), 20);
