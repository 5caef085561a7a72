// RudderStack's library for browsers, set up as a shop would: `given` stands in the page, `call` is for the test.
const { to, key, delivery } = window.given;
const source = { id: "shop", name: "shop", enabled: true, workspaceId: "own", config: {}, destinations: [] };
const analytics = new rudderanalytics.RudderAnalytics();
analytics.load(key, to, { getSourceConfig: () => ({ source }), ...delivery });

window.call = (calls) => Promise.all(calls.map(([kind, ...words]) =>
  new Promise((done) => analytics[kind](...words, done))));
