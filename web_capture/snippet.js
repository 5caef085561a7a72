// Kartoteka's tag: what happens in the shop's page, sent to the company's own hub.
//
// snippet.py serves it: comments and white space go, names declared here become one letter, the site's settings take
// the place of __SETTINGS__. The step that shortens wants arrow functions only, no template literals, no
// destructuring, no shorthand. Phrases are repeated on purpose: what was said before compresses to almost nothing.
// Every way in from the page (listener, patched function, public call) goes through guard(): nothing is ever thrown
// into the shop, and where a comment says "or ends here", a missing thing throws and guard() ends it.
try {
  const settings = __SETTINGS__,
    guard = action => (...given) => {
      try {
        return action(...given);
      } catch {}
    },
    on = (type, action) => addEventListener(type, guard(action), true),
    // Acts after the page's own function; what that returns or throws stays as it was.
    after = guard((target, name, action) => {
      const original = target[name];
      target[name] = (...given) => {
        const result = original.apply(target, given);
        given.forEach(guard(action));
        return result;
      };
    }),

    // --- What is remembered: _k (the id, or "deny"; a cookie too), _ku user, _kq… queue.
    // `store` is `storage` where storing is allowed, else an object that goes with the page.
    // The first letter of an id is that of the mode it was made in: one of "wait" or "deny" is a visitor's yes.
    storage = guard(() => localStorage)() || {},
    mode = settings.gpc && (navigator.globalPrivacyControl || +navigator.doNotTrack) ? "deny" : settings.consent,
    saved = () => storage._k || guard(() => /\b_k=([^;]*)/.exec(document.cookie)[1])(),
    consent = () => saved() == "deny" ? "deny" : /^[wd]/.test(saved()) ? "none" : mode,
    id = () => keep(store._k || consent() == "none" && saved() || unique()),
    unique = () => mode[0] + Date.now() + Math.random(),
    reset = () => {
      delete store._ku;
      keep(unique());
    },
    queue = () => Object.keys(store).filter(name => /^_kq/.test(name)).sort(),
    remove = list => list.forEach(name => delete store[name]),
    keep = value => {
      store._k = value;
      // "https:" lends its s to "secure"; what plain http makes is no attribute and is ignored.
      if (store == storage)
        guard(() => document.cookie = "_k=" + value + ";samesite=lax;max-age=31536000;path=/;" + location.protocol[4] + "ecure")();
      return value;
    },

    // --- Sending. A message is in the queue until the hub has answered; one that comes twice is no harm there.
    // A text needs no preflight. What is kept alive outlives the page, but browsers refuse it beyond 64 KB.
    moved = () => {
      // without the query and what isn't a route of the shop's own: "#/cart", "#!/cart"
      const route = location.href.replace(/\?[^#]*|#(?!!?\/).*/g, "");
      if (current != route) {
        referrer = current || referrer;
        current = route;
        page();
      }
    },
    schedule = () => timer ||= setTimeout(guard(flush), pause),
    handover = (fields, action) =>
      post("handover", fields)
        .then(answer => answer.json())
        .then(action, () => 0),
    flush = () => {
      const batch = consent() == "none" && queue().slice(0, 25);
      timer =
        batch[0] &&
        post("batch", { sentAt: new Date, batch: batch.map(name => JSON.parse(store[name])) })
          .catch(() => 0)
          .then(answer => {
            pause = /^2|4.[03]/.test(answer.status) ? remove(batch) || 99 : pause * 2;
            timer = 0;
            schedule();
          });
    },
    track = (event, properties) => send("track", { event: event, properties: properties }),
    page = properties => send("page", { properties: properties }),
    post = (path, fields) => {
      const body = JSON.stringify({ writeKey: settings.key, ...fields });
      return fetch(settings.to + "/v1/" + path, { method: "POST", keepalive: body.length < 2e4, body: body });
    },
    send = guard((type, fields, signature) => {
      if (consent() == "deny") return;
      const order =
          /purchase|Order Co/.test(fields.event) && (fields.properties.order_id || fields.properties.transaction_id),
        key = order ? id() + order : unique();
      store["_kq" + key] = JSON.stringify({
        anonymousId: id(),
        messageId: key,
        type: type,
        userId: store._ku,
        timestamp: new Date,
        context: {
          page: { referrer: referrer, url: location.href, title: document.title },
          // no timezone: asking Intl for it takes 100 ms of a slow phone's only thread
          locale: navigator.language,
          kartoteka: { signature: signature, webdriver: navigator.webdriver },
        },
        ...fields,
      });
      remove(queue().slice(0, -100));
      schedule();
    }),

    // --- The shop's data layer: GA4's words go as they are, the collector knows what they mean.
    layer = entry => {
      const event = entry.event || entry[1],
        data = entry.ecommerce || entry[2] || entry;
      if (event && !early.told?.test(event) && (data.transaction_id || data.search_term || data.items)) {
        heard = event;
        track(event, data);
      }
    },

    // --- A link to a sister site gets a pass for one visitor before it is followed, or ends here.
    sister = event => {
      const link = event.target.closest("a"),
        address = new URL(link);
      settings.sisters.includes(address.hostname) && consent() == "none" && handover({ anonymousId: id() }, answer => {
          if (answer.token) address.searchParams.set("_kt", answer.token);
          link.href = address;
        });
    },

    // --- What the page may call
    api = {
      id: id,
      reset: reset,
      page: page,
      track: track,
      identify: guard((user, traits, signature) => {
        if (user) {
          if ((store._ku || user) != user) reset();
          store._ku = user;
        }
        send("identify", { traits: traits }, signature);
      }),
      consent: guard(yes => {
        if (yes) {
          if (consent() == "deny") reset();
          store = Object.assign(storage, store);
          id();
          schedule();
        } else {
          store = storage;
          remove(queue());
          reset();
          keep("deny");
          store = {};
        }
      }),
      push: guard(call => api[call[0]](...call.slice(1))),
    },

    load = () => {
      const products = [];
      if (settings.popups)
        import(settings.to + "/k/" + settings.site + ".forms.js").catch(() => 0);
      // A list of products is no product's page. Without a product it ends here.
      document.querySelectorAll("[type*=ld]").forEach(
        guard(script => {
          const data = JSON.parse(script.textContent);
          products.push(...[].concat(data["@graph"] || data).filter(node => [].concat(node["@type"]).includes("Product")));
        }),
      );
      products[1] || heard || track("Product Viewed", { ...[].concat(products[0].offers)[0], name: products[0].name, sku: products[0].sku });
    },

    start = () => {
      [].concat(early).forEach(api.push);
      moved();
      after(history, "replaceState", moved);
      after(history, "pushState", moved);
      on("pageshow", event => event.persisted && page());
      on("online", flush);
      on("popstate", moved);
      on("pagehide", flush);
      if (settings.capture) {
        const data = window.dataLayer = window.dataLayer || [];
        data.forEach(guard(layer));
        after(data, "push", layer);
        on("click", event => {
          const button = event.target.closest("[class*=_add_to_cart],[name=add],#button-cart"),
            form = button.form || document;
          if (!heard)
            track("Product Added", {
              product_id: button.dataset.product_id || form.querySelector("[name=product_id],[name=add-to-cart],[name=id]").value,
              quantity: form.querySelector("[name=quantity]")?.value,
            });
        });
      }
      if (settings.forms)
        on("submit", event => {
          const form = event.target,
            lead = {};
          form.querySelectorAll("input").forEach(
            guard(field => {
              const kind = /^(?=te|em)(?!.*(recip|ship|friend|user|cv[cv]|otp|card|cc-|ssn|pass|gift|code|maiden)).*?(name|\btel|mail|first|phone|last)/.exec([field.type, field.name, field.autocomplete, field.id].join().toLowerCase())[2];
              if (!/^[^@]*mail$|^[^+0](\W*\d){12}/.test(field.value + kind) && !field.closest("[data-private]"))
                lead[kind.replace("st", "stName").replace("mail", "email").replace("tel", "phone")] ||= field.value;
            }),
          );
          if (lead.email || (lead.phone && !form.querySelector("[type=password]")))
            track("Form Submitted", { form: form.getAttribute("id") || form.getAttribute("name") || form.getAttribute("action"), ...lead });
        });
      on("pointerover", sister);
      on("focusin", sister);
      document.readyState == "complete" ? load() : on("load", load);
    },
    early = window.kartoteka || [],
    here = new URL(location),
    ticket = here.searchParams.get("_kt");
  let store = consent() == "none" ? storage : {},
    current,
    pause = 99,
    timer,
    referrer = document.referrer,
    heard = early.told || !settings.capture; // a plugin tells what the pages would
  // Added twice (pasted and through a tag manager) it runs once.
  if (early.id) throw {};
  window.kartoteka = api;
  saved() && consent() != "none" && api.consent();
  // --- Arrival from a sister site: who has no id yet takes the one from there
  if (ticket) {
    here.searchParams.delete("_kt");
    history.replaceState(history.state, "", here);
  }
  ticket && !saved() && consent() == "none"
    ? handover({ token: ticket }, answer => keep(store._k || answer.anonymousId || unique())).then(guard(start))
    : setTimeout(guard(start)); // a task of its own: a slow phone draws in between
} catch {}
