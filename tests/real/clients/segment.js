// Segment's library for browsers, set up as a shop would: `given` stands in the page, `call` is for the test.
const { to, key, delivery: { metrics, ...deliveryStrategy } } = window.given;
const analytics = AnalyticsNext.AnalyticsBrowser.load(
  {
    writeKey: key,
    cdnSettings: { integrations: { "Segment.io": { apiKey: key } }, metrics },
  },
  {
    integrations: {
      "Segment.io": { apiHost: `${new URL(to).host}/v1`, protocol: "http", deliveryStrategy },
    },
  },
);

window.call = (calls) => Promise.all(calls.map(async ([kind, ...words]) => {
  const { event } = await analytics[kind](...words);
  return event;
}));
