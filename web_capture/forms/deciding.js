// Kartoteka's forms: draws a site's live forms in the shop's page. forms_script.py serves it: comments and white
// space go, the site's forms take the place of __FORMS__.
//
// Each form stands in a shadow root, so the shop's CSS and ours don't meet; its style is a constructed sheet, which a
// strict `style-src 'self'` allows, as it does what the CSSOM sets. All texts are text nodes: nothing is ever parsed.
// A pop-up is a modal <dialog>: the browser keeps the focus inside, gives it back, and closes on Escape.
// Every way in from the page goes through guard(): nothing is ever thrown into the shop.
const settings = __FORMS__,
  page = document,
  guard = action => (...given) => {
    try {
      return action(...given);
    } catch {}
  },
  on = (target, types, action) => types.split(" ").forEach(type => target.addEventListener(type, guard(action))),
  hub = window.kartoteka || {},
  device = () => (hub.id && hub.id()) || "",
  track = (event, properties) => settings.preview || hub.track(event, properties),

  // --- What is remembered: for this visit in `session`, longer in `store`. Where storing is allowed these are the
  // browser's, else objects that go with the page. Allowed it is while the snippet keeps its own id (_k) there: before
  // a yes its id is in memory only, and an older one that stayed behind is another.
  tab = guard(() => sessionStorage)() || {},
  local = guard(() => localStorage)() || {},
  consented = guard(() => {
    if (device() && device() == local._k) {
      if (store != local) {
        session = Object.assign(tab, session);
        store = Object.assign(local, store);
      }
    } else {
      [tab, local].forEach(where => Object.keys(where).forEach(name => /^_k\.f/.test(name) && delete where[name]));
      session = {};
      store = {};
    }
  }),
  recall = name => guard(() => JSON.parse(store["_k.f" + name]))() || {},
  remember = (form, what) =>
    settings.preview || (store["_k.f" + memory(form)] = JSON.stringify({ ...recall(memory(form)), [what]: Date.now() })),
  count = (where, name) => (where["_k.f." + name] = +(where["_k.f." + name] || 0) + 1),

  // --- Who gets it
  // The same device gets the same variant of a form, today and next month.
  hash = text => {
    let number = 2166136261;
    for (const letter of text) number = Math.imul(number ^ letter.codePointAt(), 16777619);
    number = Math.imul(number ^ (number >>> 15), 2246822519);
    return (number ^ (number >>> 13)) >>> 0;
  },
  choose = form => {
    let rest = hash(device() + form.id) % form.variants.reduce((sum, one) => sum + one.weight, 0);
    return form.variants.findIndex(one => (rest -= one.weight) < 0);
  },
  // A pattern without * is looked for anywhere; with it, it stands for the whole address.
  fits = pattern => {
    const text = (location.host + location.pathname + location.search).toLowerCase(),
      parts = pattern.replace(/^https?:\/\//, "").split("*");
    let at = 0;
    return parts[1] == null
      ? text.includes(parts[0])
      : parts.every((part, place) => {
          const last = place == parts.length - 1,
            found = place && last ? text.length - part.length : text.indexOf(part, at),
            good = found >= at && (place || !found) && text.startsWith(part, found);
          at = found + part.length;
          return good;
        });
  },
  utm = name => (session["_k.f." + name] || "").toLowerCase(),
  among = (list, test) => !list || list.some(test),
  wanted = form => {
    const target = form.targeting,
      now = Date.now();
    return (
      !(now < form.from || now > form.until) &&
      among(target.urls, fits) &&
      !(target.not_urls || []).some(fits) &&
      among(target.utm_source, one => utm("utm_source") == one) &&
      among(target.utm_campaign, one => utm("utm_campaign") == one) &&
      among(target.languages, one => navigator.language.toLowerCase().startsWith(one)) &&
      (!target.segments || settings.preview || (segments || []).some(one => target.segments.includes(one.id))) &&
      (!target.device || (target.device == "phone") == innerWidth < 768) &&
      (!target.visitor || (target.visitor == "returning") == returning)
    );
  },
  // The product of the page when it can't be bought: of a place for it that the shop's template made ("data-sku"),
  // or of the page's own markup, where that is about a single product and says so.
  missing = target => {
    const { sku, product } = (target || {}).dataset || {},
      products = [];
    if (sku || product) return { sku: sku || "", product_id: product || "", name: page.title, url: location.href };
    page.querySelectorAll("[type*=ld\\+json]").forEach(
      guard(node => {
        const data = JSON.parse(node.textContent);
        products.push(...[].concat(data["@graph"] || data).filter(one => [].concat(one["@type"]).includes("Product")));
      }),
    );
    const [one, more] = products,
      said = one && JSON.stringify(one.offers);
    return settings.preview
      ? { sku: "1" }
      : !more && /OutOfStock|SoldOut/.test(said) && !/InStock|Limited|PreOrder|BackOrder/.test(said) && {
          sku: "" + (one.sku || ""), product_id: "" + (one.productID || ""), name: "" + (one.name || ""), url: location.href,
        };
  },
  // Of such a form is remembered for each product whether it was sent or closed.
  memory = form => form.id + (form.back ? "." + (missing() || {}).sku : ""),
  rested = form => {
    const known = recall(memory(form)),
      rule = form.frequency;
    return !(
      known.sent ||
      (rule.kind == "until" && known.closed) ||
      (rule.kind == "once" && known.shown) ||
      (rule.kind == "days" && Date.now() - (known.shown || 0) < rule.days * 864e5)
    );
  },

  // --- The cart's value, as the shop's data layer or its own calls of track() say it
  heard = (event, said) => {
    const value = +(said.value || said.total || said.revenue || said.price * (said.quantity || 1)) || 0,
      known = +session["_k.f.cart"] || 0;
    if (/purchase|order.?completed/i.test(event)) session["_k.f.cart"] = 0;
    else if (/view_cart|begin_checkout|cart.?viewed|checkout.?started/i.test(event)) session["_k.f.cart"] = value;
    else if (/add_to_cart|product.?added$/i.test(event)) session["_k.f.cart"] = known + value;
    else if (/remove_from_cart|product.?removed$/i.test(event)) session["_k.f.cart"] = Math.max(0, known - value);
    else return;
    waiting.forEach(attempt => attempt());
  },
  after = guard((target, name, action) => {
    const original = target[name];
    target[name] = (...given) => {
      const result = original.apply(target, given);
      guard(action)(...given);
      return result;
    };
  }),
  layer = guard(entry => heard(entry.event || entry[1], entry.ecommerce || entry[2] || entry)),

  // --- When it is drawn: at the first of its moments, once all its conditions hold
  arm = form => {
    const triggers = { ...form, ...form.variants[choose(form)] }.triggers,
      attempt = guard(() => {
        if (drawn || !ready || open[form.kind] || !wanted(form) || (form.back && !missing()) || !rested(form)) return;
        if ((+session["_k.f.cart"] || 0) < (triggers.cart || 0)) return;
        if ((triggers.returning && !returning) || (triggers.page || 0) > pages) return;
        drawn = 1;
        draw(form);
      }),
      go = () => {
        ready = 1;
        attempt();
      },
      // Nobody is interrupted while writing.
      late = guard(() => (page.activeElement.matches("input,textarea,select") ? setTimeout(late, 1000) : go()));
    let ready = settings.preview || !(triggers.delay != null || triggers.scroll || triggers.exit),
      drawn;
    if (triggers.delay != null) setTimeout(late, triggers.delay * 1000);
    if (triggers.scroll)
      on(window, "scroll", () => scrollY + innerHeight >= (page.documentElement.scrollHeight * triggers.scroll) / 100 && go());
    if (triggers.exit) on(page.documentElement, "mouseleave", event => event.clientY <= 0 && go());
    waiting.push(attempt);
    attempt();
  },
  place = guard(() =>
    settings.forms.forEach(
      guard(form => {
        if (form.kind == "embedded" && wanted(form))
          page.querySelectorAll('[data-kartoteka-form="' + form.id + '"]').forEach(guard(target => target.shadowRoot || (form.back && !missing(target)) || draw(form, target)));
      }),
    ),
  ),
  moved = () => {
    if (current == location.pathname) return;
    current = location.pathname;
    pages = count(session, "p");
    place();
    waiting.forEach(attempt => attempt());
  },
  open = {},
  waiting = [];
let session = {},
  store = {},
  current = location.pathname,
  pages,
  segments,
  soon;
consented();
pages = count(session, "p");
if (pages < 2) count(store, "v");
const returning = store["_k.f.v"] > 1;
// Of the query nothing else is kept: it may name a person.
if (pages < 2 || /utm_/.test(location.search))
  ["utm_source", "utm_campaign"].forEach(name => (session["_k.f." + name] = new URLSearchParams(location.search).get(name) || ""));
after(hub, "track", heard);
after(hub, "consent", consented);
const data = (window.dataLayer = window.dataLayer || []);
data.forEach(layer);
after(data, "push", layer);
after(history, "pushState", moved);
on(window, "popstate", moved);
const begin = guard(() => {
  place();
  settings.forms.filter(form => form.kind != "embedded").forEach(guard(arm));
  // Which segments this visitor is in the hub is asked only where a form wants to know.
  if (!settings.preview && device() && settings.forms.some(form => form.targeting.segments))
    fetch(settings.to + "/v1/visitor?site=" + settings.site + "&id=" + device(), { credentials: "omit" })
      .then(answer => answer.json())
      .then(answer => {
        segments = answer.segments;
        place();
        waiting.forEach(attempt => attempt());
      })
      .catch(() => 0);
  // A shop that draws its pages itself puts the place there later, or anew.
  if (settings.forms.some(form => form.kind == "embedded"))
    new MutationObserver(() => (soon = soon || setTimeout(() => (soon = place()), 200))).observe(page.documentElement, { childList: true, subtree: true });
});
page.readyState == "loading" ? on(page, "DOMContentLoaded", begin) : begin();
