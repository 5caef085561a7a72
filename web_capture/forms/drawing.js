// How a form is drawn, filled in and sent: the other half of forms.js, served in one script with it (see there for
// settings, guard, on, track, remember, choose, device and open).
const make = (tag, attributes, ...children) => {
  const node = page.createElement(tag);
  for (const name in attributes) if (attributes[name]) node.setAttribute(name, attributes[name] === true ? "" : attributes[name]);
  node.append(...children.filter(child => child));
  return node;
};

// What is wrong with a control, in the form's language: the browser's own sentence would be in the browser's.
const wrong = ({ validity: state, type }, words) =>
  state.valid
    ? ""
    : state.badInput || state.typeMismatch
      ? words[type == "date" ? "date" : "email"]
      : words[type == "checkbox" ? "tick" : "fill"];

const dress = (root, look) => {
  const style = ":host{--a:" + look.accent + "!important;--i:" + look.ink + "!important}" + __STYLE__;
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(make("style", {}, style));
  }
};

// What a person fills in: the label, the control and the place where its error will be read out.
const row = (field, form) => {
  const id = "f-" + field.name,
    choice = field.type == "choice",
    attributes = {
      id: id,
      name: field.name,
      required: field.required,
      maxlength: 300,
      "aria-describedby": id + "-e",
      type: { email: "email", phone: "tel", birthday: "date" }[field.type] || "text",
      autocomplete: { email: "email", phone: "tel", name: "name", firstName: "given-name", lastName: "family-name", birthday: "bday" }[field.type],
    };
  return make(
    "div",
    {},
    make("label", { for: id }, field.label, !field.required && " (" + form.words.optional + ")"),
    choice
      ? make("select", { ...attributes, type: "" }, make("option", {}), ...field.options.map(one => make("option", {}, one)))
      : make("input", attributes),
    make("p", { id: id + "-e", class: "e" }),
  );
};

const tick = (consent, form) => {
  const name = "consent_" + consent.channel,
    id = "f-" + name;
  return make(
    "div",
    {},
    make(
      "label",
      { class: "t" },
      make("input", { id: id, name: name, type: "checkbox", required: consent.required, "aria-describedby": id + "-e" }),
      make("span", {}, consent.text, form.policy_url && " ", form.policy_url && make("a", { href: form.policy_url, target: "_blank", rel: "noopener" }, form.words.policy)),
    ),
    make("p", { id: id + "-e", class: "e" }),
  );
};

const draw = (form, place) => {
  const number = choose(form),
    shape = { ...form, ...form.variants[number] },
    modal = form.kind == "popup",
    host = place || make("div"),
    root = host.attachShadow({ mode: "open" }),
    about = { form_id: form.id, form: form.name, variant: String.fromCharCode(65 + number), version: form.version },
    began = performance.now(),
    said = make("p", { role: "alert", class: "e" }),
    trap = make("input", { name: "website", tabindex: -1, autocomplete: "off", "aria-hidden": "true", class: "w" }),
    button = make("button", { class: "b" }, shape.button),
    body = make(
      "form",
      { novalidate: true },
      ...form.fields.map(one => row(one, form)),
      ...form.consents.map(one => tick(one, form)),
      trap,
      button,
      said,
    ),
    title = shape.title && make(place ? "h3" : "h2", { id: "t" }, shape.title),
    close = !place && make("button", { class: "x", type: "button", "aria-label": form.words.close }, "×"),
    inside = make("div", { class: "c" }, title, shape.text && make("p", {}, shape.text), body),
    box = make(
      modal ? "dialog" : place ? "section" : "div",
      {
        class: ["k", form.kind, shape.look.position, shape.look.theme].join(" "),
        role: { slide: "dialog", bar: "region" }[form.kind],
        tabindex: modal && -1,
        "aria-labelledby": title && "t",
        lang: form.language,
      },
      close,
      inside,
    ),
    shown = () => {
      remember(form, "shown");
      track("Form Viewed", about);
    },
    leave = () => {
      const inside = root.activeElement;
      host.remove();
      if (inside && back) back.focus();
      open[form.kind] = 0;
      if (!done) {
        remember(form, "closed");
        track("Form Closed", about);
      }
    },
    blame = (name, message) => {
      const field = body.elements[name],
        error = root.getElementById("f-" + name + "-e");
      if (error) {
        error.textContent = message;
        field.setAttribute("aria-invalid", !!message);
      } else said.textContent = message;
      return message && field;
    },
    settle = answer => {
      done = true;
      remember(form, "sent");
      const thanks = make("p", { role: "status", tabindex: -1 }, form.thanks);
      body.replaceWith(thanks, answer.coupon ? make("p", {}, form.words.coupon, ": ", make("code", {}, answer.coupon)) : "");
      thanks.focus();
    },
    submit = async () => {
      if (busy) return;
      said.textContent = "";
      const fields = {},
        consent = [];
      let first;
      for (const control of body.elements) {
        if (!control.name || control == trap) continue;
        first = blame(control.name, wrong(control, form.words)) && !first ? control : first;
        if (control.type != "checkbox") fields[control.name] = control.value.trim();
        else if (control.checked) consent.push(control.name.slice(8));
      }
      if (first) return first.focus();
      busy = true;
      button.setAttribute("aria-disabled", "true");
      const lead = JSON.stringify({
        writeKey: settings.key,
        messageId: (message = message || "f" + Date.now() + "." + hash(Math.random() + device()) + hash("" + Math.random())),
        form_id: form.id,
        version: form.version,
        variant: about.variant,
        anonymousId: device(),
        fields: fields,
        consent: consent,
        seconds: (performance.now() - began) / 1000,
        honeypot: trap.value,
        page: { url: location.href, title: page.title, referrer: page.referrer },
        product: (form.back && missing(host)) || {},
      });
      try {
        const answer = await (
          await (settings.preview
            ? fetch(settings.to + encodeURIComponent(lead))
            : fetch(settings.to + "/v1/lead", { method: "POST", body: lead, keepalive: true, credentials: "omit" }))
        ).json();
        if (answer.ok) return settle(answer);
        message = "";
        answer.errors.map(error => blame(error.field, error.message)).find(field => field)?.focus();
      } catch {
        said.textContent = form.words.failed;
      } finally {
        busy = false;
        button.removeAttribute("aria-disabled");
      }
    };
  let done, busy, message, back;
  dress(root, shape.look);
  root.append(box);
  on(body, "submit", event => {
    event.preventDefault();
    submit();
  });
  // The shop's own keys ("/" for its search) aren't meant for who writes here.
  on(root, "keydown keyup keypress", event => event.stopPropagation());
  if (place) {
    new IntersectionObserver((entries, watcher) => {
      if (entries.some(entry => entry.isIntersecting)) {
        watcher.disconnect();
        guard(shown)();
      }
    }).observe(host);
    return;
  }
  open[form.kind] = 1;
  (page.body || page.documentElement).append(host);
  if (modal) {
    on(close, "click", () => box.close());
    on(box, "click", event => event.target == box && box.close());
    on(box, "close", leave);
    box.showModal();
    box.focus();
  } else {
    on(close, "click", leave);
    on(box, "keydown", event => event.key == "Escape" && leave());
    on(host, "focusin", event => (back = event.relatedTarget || back));
  }
  shown();
};
