process.env.VENDURE_DISABLE_TELEMETRY = 'true';
const fs = require('fs'), path = require('path'), v = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const port = Number(process.env.PORT), base = `http://127.0.0.1:${port}`;
const db = path.join(__dirname, 'shop.sqlite'), mark = path.join(__dirname, 'info.json');
const fresh = !fs.existsSync(mark);
if (fresh) fs.rmSync(db, { force: true });
const store = process.env.PGURL ? { type: 'postgres', url: process.env.PGURL } : { type: 'sqljs', location: db, autoSave: true };
// bcrypt costs a quarter of a second of CPU for each of hundreds of invented buyers
const digest = text => require('crypto').createHash('sha256').update(text).digest('hex');
const cheap = { hash: async plain => digest(plain), check: async (plain, hash) => digest(plain) === hash };
const config = {
  apiOptions: { hostname: '127.0.0.1', port },
  authOptions: { tokenMethod: ['bearer', 'cookie', 'api-key'], requireVerification: false, cookieOptions: { secret: 'throw-away' },
    superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
    passwordHashingStrategy: cheap },
  dbConnectionOptions: { ...store, synchronize: fresh, logging: false },
  paymentOptions: { paymentMethodHandlers: [v.dummyPaymentHandler] },
  plugins: [v.DefaultSearchPlugin.init({})],
  logger: new v.DefaultLogger({ level: v.LogLevel.Warn }),
};
const seed = {
  defaultLanguage: 'en', defaultZone: 'Europe', collections: [],
  countries: [{ name: 'Türkiye', code: 'TR', zone: 'Europe' }, { name: 'Kazakhstan', code: 'KZ', zone: 'Asia' }, { name: 'Korea', code: 'KR', zone: 'Asia' }, { name: 'Germany', code: 'DE', zone: 'Europe' }],
  taxRates: [{ name: 'Standard', percentage: 20 }, { name: 'Reduced', percentage: 8 }],
  shippingMethods: [{ name: 'Standard shipping', price: 500, taxRate: 20 }],
  paymentMethods: [{ name: 'Dummy', handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] } }],
};
const csv = `name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets
Samovar,samovar,Brass samovar,,,Size,3 l,SAM-3,120.00,Standard,500,false,,
,,,,,,5 l,SAM-5,150.00,Standard,500,false,,
Çay bardağı,cay-bardagi,Tea glass,,,,,CAY-1,2.50,Reduced,500,false,,
김치 항아리,kimchi-jar,Kimchi jar,,,,,KIM-1,45.00,Standard,500,false,,
`;
function client(apiPath) {
  let token;
  return async (query, variables) => {
    const r = await fetch(base + apiPath, { method: 'POST', headers: { 'content-type': 'application/json', ...(token ? { authorization: 'Bearer ' + token } : {}) }, body: JSON.stringify({ query, variables }) });
    token = r.headers.get('vendure-auth-token') || token;
    const j = await r.json();
    if (j.errors) throw new Error(JSON.stringify(j.errors));
    for (const x of Object.values(j.data)) if (x && x.errorCode) throw new Error(x.errorCode + ' ' + x.message);
    return j.data;
  };
}
const FAIL = '__typename ... on ErrorResult { errorCode message }';
async function fill() {
  const a = client('/admin-api');
  await a(`mutation { login(username: "superadmin", password: "superadmin") { ${FAIL} } }`);
  const roles = (await a('{ roles { items { id code } } }')).roles.items.filter(r => r.code.includes('super')).map(r => r.id);
  const { apiKey } = (await a('mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { apiKey } }', { i: { roleIds: roles, translations: [{ languageCode: 'en', name: 'e2e' }] } })).createApiKey;
  await a(`mutation($i: CreatePromotionInput!) { createPromotion(input: $i) { ${FAIL} } }`, { i: { enabled: true, couponCode: 'WELCOME10', conditions: [], translations: [{ languageCode: 'en', name: 'Welcome 10%' }], actions: [{ code: 'order_percentage_discount', arguments: [{ name: 'discount', value: '10' }] }] } });
  const people = [['Ayşe', 'Yılmaz', 'ayse@example.org', '+90 532 000 00 01', 'TR'], ['Иван', 'Петров', 'ivan@example.org', '+7 701 000 00 02', 'KZ'], ['민준', '김', 'minjun@example.org', '+82 10 0000 0004', 'KR']];
  const variants = (await client('/shop-api')('{ products { items { variants { id } } } }')).products.items.flatMap(p => p.variants);
  for (const [n, [firstName, lastName, emailAddress, phoneNumber, countryCode]] of people.entries()) {
    const c = (await a(`mutation($i: CreateCustomerInput!) { createCustomer(input: $i, password: "secret1") { ... on Customer { id } ${FAIL} } }`, { i: { firstName, lastName, emailAddress, phoneNumber } })).createCustomer;
    const address = { fullName: `${firstName} ${lastName}`, streetLine1: 'Street ' + n, city: 'City ' + n, postalCode: '0600' + n, countryCode, phoneNumber };
    await a('mutation($c: ID!, $i: CreateAddressInput!) { createCustomerAddress(customerId: $c, input: $i) { id } }', { c: c.id, i: { ...address, defaultShippingAddress: true } });
    if (n === 2) continue; // one customer without orders
    const s = client('/shop-api');
    await s(`mutation($e: String!) { login(username: $e, password: "secret1") { ${FAIL} } }`, { e: emailAddress });
    for (const x of variants.slice(0, n + 2)) await s(`mutation($v: ID!) { addItemToOrder(productVariantId: $v, quantity: ${n + 1}) { ${FAIL} } }`, { v: x.id });
    if (n === 0) await s(`mutation { applyCouponCode(couponCode: "WELCOME10") { ${FAIL} } }`);
    await s(`mutation($i: CreateAddressInput!) { setOrderShippingAddress(input: $i) { ${FAIL} } }`, { i: { ...address, countryCode: 'TR' } });
    const m = (await s('{ eligibleShippingMethods { id } }')).eligibleShippingMethods[0].id;
    await s(`mutation($i: [ID!]!) { setOrderShippingMethod(shippingMethodId: $i) { ${FAIL} } }`, { i: [m] });
    await s(`mutation { transitionOrderToState(state: "ArrangingPayment") { ${FAIL} } }`);
    await s(`mutation { addPaymentToOrder(input: { method: "dummy", metadata: {} }) { ${FAIL} } }`);
  }
  return { base, admin_api: base + '/admin-api', shop_api: base + '/shop-api', username: 'superadmin', password: 'superadmin', api_key_header: 'vendure-api-key', api_key: apiKey };
}
(async () => {
  const up = async () => { const app = await v.bootstrap(config); await app.get(v.JobQueueService).start(); return app; };
  if (!fresh) return void await up();
  fs.writeFileSync(path.join(__dirname, 'products.csv'), csv);
  await populate(up, seed, path.join(__dirname, 'products.csv'));
  fs.writeFileSync(mark + '.new', JSON.stringify(await fill(), null, 1)); fs.renameSync(mark + '.new', mark);
})().catch(e => { console.error(e); process.exit(1); });
