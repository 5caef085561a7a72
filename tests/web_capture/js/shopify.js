// Runs the pixel with stand-ins for Shopify's: node shopify.js <pixel.js>, events as JSON on the standard input.
const given = JSON.parse(require("fs").readFileSync(0, "utf8")),
  heard = {},
  posted = [];
globalThis.analytics = { subscribe: (name, action) => (heard[name] = action) };
globalThis.browser = { cookie: { get: async (name) => given.cookies[name] || "" } };
globalThis.setTimeout = (action) => action();
globalThis.fetch = async (url, request) => {
  posted.push({ url, ...request });
  if (given.offline) throw new TypeError("no network");
};
require("vm").runInThisContext(require("fs").readFileSync(process.argv[2], "utf8"));
(async () => {
  for (const event of given.events) {
    await heard[event.name](event);
    if (given.later) given.cookies = given.later; // what the first event's page sets
  }
  console.log(JSON.stringify({ posted, heard: Object.keys(heard) }));
})();
