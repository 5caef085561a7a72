// Kartoteka in a WordPress page: who is signed in, what happened to the cart, what the consent banner heard.
// It tells the snippet (window.kartoteka), which sends. Nothing here may ever disturb the shop.
(function () {
  "use strict";

  function tell() {
    (window.kartoteka = window.kartoteka || []).push([].slice.call(arguments));
  }

  function guard(action) {
    return function (event, given) {
      try {
        action(event, given);
      } catch (error) {
        // the shop goes on
      }
    };
  }

  function cookie(name) {
    var found = new RegExp("(?:^|; )" + name + "=([^;]*)").exec(document.cookie);
    return found ? found[1] : "";
  }

  function tellAll(events) {
    (events || []).forEach(function (one) {
      tell("track", one[0], one[1]);
    });
  }

  function page() {
    var data = document.getElementById("kartoteka-page");
    return data ? JSON.parse(data.textContent) : {};
  }

  // Uncached: who is signed in and what was noted meanwhile.
  function ask(action) {
    return fetch(here.ask, {
      method: "POST",
      credentials: "same-origin",
      headers: { "X-Kartoteka": "1" },
      body: new URLSearchParams({ action: "kartoteka_me" }),
    })
      .then(function (answer) {
        return answer.json();
      })
      .then(function (said) {
        tellAll(said.events);
        if (action) action(said.user);
      })
      .catch(function () {});
  }

  // Asked once per sign-in and browser: the mark changes with the person, the browser's id with a no and a yes.
  function who() {
    var mark = cookie("_kartoteka_user"),
      known = localStorage.getItem("kartoteka.user") || "",
      id = cookie("_k");
    if (id === "deny" || !here.ask || !window.kartoteka.id) return; // the last: the snippet was blocked
    if (known === (mark && mark + " " + id)) return;
    if (!mark) {
      tell("reset");
      localStorage.removeItem("kartoteka.user");
      return;
    }
    ask(function (user) {
      if (!user) return;
      tell("identify", user.id, user.traits, user.signature);
      // another person's sign-in began a new id; without consent there is none: ask again on the next page
      id = cookie("_k");
      if (id && id !== "deny") localStorage.setItem("kartoteka.user", mark + " " + id);
    });
  }

  // WP Consent API: only what the visitor has really chosen; before that the site's own setting holds.
  function consent() {
    var api = window.consent_api;
    if (!here.consent || !api || !window.consent_api_get_cookie) return;
    var said = window.consent_api_get_cookie(api.cookie_prefix + "_" + here.consent);
    if (said === "allow" || said === "deny") tell("consent", said === "allow");
  }

  function changed(event) {
    var said = event.detail && event.detail[here.consent];
    if (said) tell("consent", said === "allow");
    who();
  }

  // WooCommerce's scripts: answers carry a fragment of ours; blocks have none, so we ask.
  function cart() {
    if (window.jQuery)
      window.jQuery(document.body).on(
        "added_to_cart removed_from_cart",
        guard(function (event, fragments) {
          var html = fragments && fragments["#kartoteka-noted"],
            noted = html && new DOMParser().parseFromString(html, "text/html").getElementById("kartoteka-noted");
          if (noted) tellAll(JSON.parse(noted.dataset.events));
        })
      );
    ["wc-blocks_added_to_cart", "wc-blocks_removed_from_cart"].forEach(function (name) {
      document.body.addEventListener(
        name,
        guard(function () {
          ask();
        })
      );
    });
  }

  var here = {};
  guard(function () {
    here = page();
    tellAll(here.events);
    document.addEventListener("wp_listen_for_consent_change", guard(changed));
  })();
  function begin() {
    guard(consent)();
    guard(who)();
    guard(cart)();
  }
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
})();
