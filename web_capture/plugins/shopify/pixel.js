// Kartoteka's custom pixel for Shopify: Settings > Customer events > Add custom pixel, paste all of this, connect.
// It says what happens to products, carts and checkouts, in the name of the browser that the tag in the theme knows.
const HUB = "__HUB__";
const WRITE_KEY = "__WRITE_KEY__";
const THEME_TAG = true; // false where the theme does not hold the tag: then the pixel tells of the pages, too

const quiet = (action) => async (event) => {
  try {
    await action(event);
  } catch (error) {
    // the shop goes on
  }
};

const money = (said) => (said ? String(said.amount) : undefined);
const plainId = (id) => (id === undefined || id === null ? undefined : String(id).split("/").pop());
const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// The tag's cookie; on somebody's very first page it takes the tag a moment to make it. Read each time: the
// visitor's no, which stands there as "deny", may come while the page is open.
async function device(event) {
  let known;
  for (let tries = 0; !known && tries < (THEME_TAG ? 10 : 1); tries++) {
    if (tries) await later(300);
    known = await browser.cookie.get("_k");
  }
  return known || event.clientId;
}

async function send(event, message) {
  const anonymousId = await device(event);
  if (anonymousId === "deny") return;
  const page = event.context.document;
  const body = {
    writeKey: WRITE_KEY,
    sentAt: new Date().toISOString(),
    batch: [
      {
        messageId: "shopify-" + event.id,
        anonymousId,
        timestamp: event.timestamp,
        ...message,
        context: {
          page: {
            url: page.location.href,
            path: page.location.pathname,
            search: page.location.search,
            title: page.title,
            referrer: page.referrer,
          },
          locale: event.context.navigator && event.context.navigator.language,
          userAgent: event.context.navigator && event.context.navigator.userAgent,
          library: { name: "kartoteka-shopify", version: "1.0.0" },
          ...message.context,
        },
      },
    ],
  };
  // a plain text needs no preflight, and a sandboxed frame may not read the answer
  await fetch(HUB + "/v1/batch", { method: "POST", mode: "no-cors", keepalive: true, body: JSON.stringify(body) });
}

function product(variant, quantity) {
  const of = variant.product || {};
  return {
    product_id: plainId(of.id),
    variant: plainId(variant.id),
    sku: variant.sku || undefined,
    name: of.title || variant.title,
    brand: of.vendor,
    category: of.type || undefined,
    price: money(variant.price),
    url: of.url,
    image_url: variant.image && variant.image.src,
    quantity,
  };
}

const currencyOf = (said) => said && said.currencyCode;
const line = (one) => product(one.merchandise, one.quantity);

function checkout(said) {
  const order = said.order || {};
  return {
    order_id: plainId(order.id),
    checkout_id: said.token,
    currency: said.currencyCode,
    total: money(said.totalPrice),
    subtotal: money(said.subtotalPrice),
    tax: money(said.totalTax),
    shipping: said.shippingLine ? money(said.shippingLine.price) : undefined,
    coupon: (said.discountApplications || []).map((one) => one.title).join(", ") || undefined,
    products: (said.lineItems || []).map((one) => ({
      ...product(one.variant || {}, one.quantity),
      name: one.title,
    })),
  };
}

// What the buyer typed: to the hub a claim of this browser, as everything that comes with a public key.
function traits(said) {
  const address = said.billingAddress || said.shippingAddress || {};
  return {
    traits: {
      email: said.email || undefined,
      phone: said.phone || address.phone || undefined,
      firstName: address.firstName || undefined,
      lastName: address.lastName || undefined,
    },
  };
}

const on = (name, action) => analytics.subscribe(name, quiet(action));
const track = (event, name, properties, context) =>
  send(event, { type: "track", event: name, properties, context: context || {} });

on("page_viewed", (event) => {
  // in the shop the theme's tag tells of pages; in the checkout it may not run
  const inCheckout = /\/checkouts?\//.test(event.context.document.location.pathname);
  return THEME_TAG && !inCheckout ? undefined : send(event, { type: "page", properties: {} });
});

on("product_viewed", (event) => {
  const variant = event.data.productVariant;
  return track(event, "Product Viewed", { ...product(variant), currency: currencyOf(variant.price) });
});

[
  ["product_added_to_cart", "Product Added"],
  ["product_removed_from_cart", "Product Removed"],
].forEach(([name, title]) =>
  on(name, (event) => {
    const cartLine = event.data.cartLine;
    return track(event, title, { ...line(cartLine), currency: currencyOf(cartLine.merchandise.price) });
  }),
);

on("cart_viewed", (event) => {
  const cart = event.data.cart;
  if (!cart || !cart.lines.length) return undefined;
  const total = cart.cost && cart.cost.totalAmount;
  return track(event, "Cart Viewed", {
    cart_id: plainId(cart.id),
    value: money(total),
    currency: currencyOf(total),
    products: cart.lines.map(line),
  });
});

on("collection_viewed", (event) => {
  const collection = event.data.collection;
  const variants = collection.productVariants || [];
  return track(event, "Product List Viewed", {
    list_id: plainId(collection.id),
    category: collection.title,
    currency: variants.length ? currencyOf(variants[0].price) : undefined,
    products: variants.map((one) => product(one)),
  });
});

on("search_submitted", (event) => track(event, "Products Searched", { query: event.data.searchResult.query }));

[
  ["checkout_started", "Checkout Started"],
  ["checkout_contact_info_submitted", "Checkout Step Completed"],
  ["payment_info_submitted", "Payment Info Entered"],
  ["checkout_completed", "Order Completed"],
].forEach(([name, title]) =>
  on(name, (event) => track(event, title, checkout(event.data.checkout), traits(event.data.checkout))),
);
