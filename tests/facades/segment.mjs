// Segment's two libraries for Node, the present one and the one before it, against Vitrine.
import { Analytics } from "@segment/analytics-node";
import OldAnalytics from "analytics-node";
import { assert, publishable, secret, seenBy, step, url, vitrine } from "./check.mjs";

for (const id of ["s1", "s2", "s3", "s4"]) await vitrine("PUT", `/v1/items/${id}`, { title: id });
const product = (id) => ({ product_id: id, name: id, price: 19.5, quantity: 1, currency: "EUR" });

await step("the present library delivers track, page and identify", async () => {
  const analytics = new Analytics({ writeKey: publishable, host: url, maxRetries: 0, flushAt: 10 });
  const failures = [];
  const answers = [];
  analytics.on("error", (error) => failures.push(error));
  analytics.on("http_request", (request) => answers.push(request));
  analytics.identify({ userId: "ann", traits: { plan: "gold" } });
  analytics.page({ userId: "ann", name: "Home", properties: { path: "/" } });
  analytics.track({ userId: "ann", event: "Product Viewed", properties: product("s1") });
  analytics.track({ userId: "ann", event: "Product Added", properties: product("s2") });
  analytics.track({ userId: "ann", event: "Newsletter Read" });
  await analytics.closeAndFlush();
  assert.deepEqual(failures, []);
  assert.ok(answers.length > 0 && answers.every((r) => r.url === `${url}/v1/batch`));
  assert.deepEqual(await seenBy("ann"), ["s2", "s1"]);
});
await step("an order counts as bought", async () => {
  const analytics = new Analytics({ writeKey: publishable, host: url, maxRetries: 0 });
  const failures = [];
  analytics.on("error", (error) => failures.push(error));
  analytics.track({
    userId: "ann",
    event: "Order Completed",
    properties: { order_id: "o-1", total: 39, currency: "EUR", products: [product("s2"), product("s3")] },
  });
  await analytics.closeAndFlush();
  assert.deepEqual(failures, []);
  const shown = await seenBy("ann");
  assert.deepEqual(shown.slice(0, 2).sort(), ["s2", "s3"]);
});
await step("a browser's key ties a visitor to a user, by identify and by alias", async () => {
  const analytics = new Analytics({ writeKey: publishable, host: url, maxRetries: 0, flushAt: 10 });
  const failures = [];
  analytics.on("error", (error) => failures.push(error));
  analytics.track({ anonymousId: "a-1", event: "Product Viewed", properties: product("s1") });
  analytics.track({ anonymousId: "a-2", event: "Product Viewed", properties: product("s3") });
  analytics.identify({ userId: "cleo", anonymousId: "a-1", traits: { plan: "gold" } });
  analytics.alias({ userId: "cleo", previousId: "a-2" });
  await analytics.closeAndFlush();
  assert.deepEqual(failures, []);
  assert.deepEqual((await seenBy("cleo")).sort(), ["s1", "s3"]);
  const user = await vitrine("GET", "/v1/users/cleo");
  assert.deepEqual(user.attributes, {});
});
await step("a wrong key, and a secret one in a body, are errors of the library", async () => {
  for (const writeKey of ["nonsense", secret]) {
    const analytics = new Analytics({ writeKey, host: url, maxRetries: 0 });
    const failures = [];
    analytics.on("error", (error) => failures.push(error));
    analytics.track({ userId: "ann", event: "Product Viewed", properties: product("s4") });
    await analytics.closeAndFlush();
    assert.ok(failures.length > 0);
  }
  assert.ok(!(await seenBy("ann")).includes("s4"));
});
await step("the library before it delivers too, and again without effect", async () => {
  const analytics = new OldAnalytics(secret, { host: url, flushAt: 20, retryCount: 0 });
  const message = {
    userId: "old",
    event: "Product Clicked",
    messageId: "once",
    timestamp: new Date(),
    properties: { sku: "s4", position: 1 },
  };
  await new Promise((resolve, reject) => {
    analytics.track(message, (error) => (error ? reject(error) : resolve()));
    analytics.flush();
  });
  await new Promise((resolve, reject) => {
    analytics.track(message, (error) => (error ? reject(error) : resolve()));
    analytics.flush();
  });
  assert.deepEqual(await seenBy("old"), ["s4"]);
});
await step("with a secret key identify and group describe the user", async () => {
  const analytics = new OldAnalytics(secret, { host: url, flushAt: 20, retryCount: 0 });
  await new Promise((resolve, reject) => {
    analytics.identify({ userId: "ann", traits: { plan: "gold", firstName: "Ann", logins: 3 } });
    analytics.group({ userId: "ann", groupId: "acme", traits: { name: "ACME" } });
    analytics.identify({ userId: "ann", traits: { logins: 4 } }, (error) => (error ? reject(error) : resolve()));
    analytics.flush();
  });
  const user = await vitrine("GET", "/v1/users/ann");
  assert.deepEqual(user.attributes, { first_name: "Ann", group: "acme", logins: 4, plan: "gold" });
});
