// Segment's library for servers, as a shop's server would use it.  usage: node node.mjs PACKAGES ADDRESS KEY
// Prints the messages it made, one JSON array.
import { createRequire } from "node:module";

const [packages, host, writeKey] = process.argv.slice(2);
const { Analytics } = createRequire(`${packages}/`)("@segment/analytics-node");

const analytics = new Analytics({ host, writeKey, flushAt: 4 });
const failed = [];
analytics.on("error", (error) => failed.push(String(error.reason ?? error)));

const who = { userId: "7", anonymousId: "d1" };
const order = { order_id: "50314", total: 27.5, currency: "USD", products: [{ sku: "G-32", quantity: 1 }] };
const calls = [
  ["identify", { ...who, traits: { email: "anna@p.kz", firstName: "Anna" } }],
  ["track", { ...who, event: "Order Completed", properties: order }],
  ["page", { ...who, name: "Home", properties: { url: "https://shop.example/" } }],
  ["screen", { ...who, name: "Start" }],
  ["group", { ...who, groupId: "g1", traits: { name: "P. & Co" } }],
  ["alias", { userId: "7", previousId: "d1" }],
];
const made = calls.map(([kind, message]) => new Promise((done, fail) =>
  analytics[kind](message, (error, context) => (error ? fail(error) : done(context.event)))));
await analytics.closeAndFlush();
console.log(JSON.stringify(await Promise.all(made)));
if (failed.length) throw new Error(failed.join("; "));
