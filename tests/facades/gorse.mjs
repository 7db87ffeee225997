// gorsejs, Gorse's own client for JavaScript, against Vitrine.
import gorsejs from "gorsejs";
import { assert, publishable, secret, seenBy, step, url } from "./check.mjs";

const { Gorse } = gorsejs;
const client = new Gorse({ endpoint: url, secret });
const item = (id, category, day) => ({
  ItemId: id,
  IsHidden: false,
  Categories: [category],
  Labels: ["label-" + category],
  Comment: "Item " + id,
  Timestamp: new Date(Date.UTC(2026, 0, day)).toISOString(),
});
const feedback = (type, user, id, time = new Date()) => ({
  FeedbackType: type,
  UserId: user,
  ItemId: id,
  Timestamp: time,
});

await step("an item is inserted and comes back as it was", async () => {
  assert.equal(await client.upsertItem(item("g0", "even", 1)), 1);
  const back = await client.getItem("g0");
  assert.deepEqual(back, { ...item("g0", "even", 1), Timestamp: "2026-01-01T00:00:00Z" });
});
await step("several items are inserted at once", async () => {
  const many = [1, 2, 3, 4, 5].map((i) => item("g" + i, i % 2 ? "odd" : "even", i + 1));
  assert.equal(await client.upsertItems(many), 5);
});
await step("items are listed page by page", async () => {
  const first = await client.getItems({ n: 4 });
  assert.deepEqual(first.Items.map((i) => i.ItemId), ["g0", "g1", "g2", "g3"]);
  const second = await client.getItems({ n: 4, cursor: first.Cursor });
  assert.deepEqual(second.Items.map((i) => i.ItemId), ["g4", "g5"]);
  assert.equal(second.Cursor, "");
});
await step("an item is changed", async () => {
  assert.equal(await client.updateItem("g1", { Comment: "changed" }), 1);
  assert.equal((await client.getItem("g1")).Comment, "changed");
});
await step("a user is inserted and comes back as it was", async () => {
  const bob = { UserId: "bob", Labels: ["x"], Subscribe: ["news"], Comment: "Bob" };
  assert.equal(await client.insertUser(bob), 1);
  const back = await client.getUser("bob");
  for (const key of Object.keys(bob)) assert.deepEqual(back[key], bob[key]);
});
await step("several users are inserted at once, listed, and one is changed", async () => {
  const many = ["dora", "emil"].map((id) => ({ UserId: id, Labels: [id], Comment: "" }));
  assert.equal(await client.insertUsers(many), 2);
  const page = await client.getUsers({ n: 2 });
  assert.deepEqual(page.Users.map((u) => u.UserId), ["bob", "dora"]);
  assert.equal(await client.updateUser("dora", { Comment: "changed" }), 1);
  assert.equal((await client.getUser("dora")).Comment, "changed");
});
await step("a user is deleted", async () => {
  assert.equal(await client.deleteUser("emil"), 1);
  await assert.rejects(client.getUser("emil"), (error) => error.code === 404);
});
const list = [];
for (let user = 0; user < 5; ++user) {
  list.push(feedback("star", "friend" + user, "g0"), feedback("star", "friend" + user, "g2"));
}
list.push(feedback("read", "bob", "g0"));
await step("feedback is inserted, and again without effect", async () => {
  assert.equal(await client.insertFeedbacks(list), list.length);
  assert.equal(await client.upsertFeedbacks(list), list.length);
  assert.deepEqual(await seenBy("bob"), ["g0"]);
});
await step("a user with feedback is known", async () => {
  assert.equal((await client.getUser("bob")).UserId, "bob");
});
await step("what goes with what bob read is recommended first", async () => {
  const ids = await client.getRecommend({ userId: "bob", cursorOptions: { n: 3 } });
  assert.equal(ids[0], "g2");
  assert.ok(!ids.includes("g0"));
});
await step("a category narrows the answer", async () => {
  const ids = await client.getRecommend({ userId: "bob", category: "odd", cursorOptions: { n: 10 } });
  assert.deepEqual([...ids].sort(), ["g1", "g3", "g5"]);
});
await step("what was shown is written back as an impression, not as interest", async () => {
  await client.getRecommend({ userId: "eve", writeBackType: "read", cursorOptions: { n: 2 } });
  assert.deepEqual(await seenBy("eve"), []);
});
await step("popular, latest and neighbours come with scores", async () => {
  const popular = await client.getPopular({ cursorOptions: { n: 2 } });
  assert.deepEqual(popular.map((i) => i.Id).sort(), ["g0", "g2"]);
  assert.ok(popular.every((i) => typeof i.Score === "number"));
  const latest = await client.getLatest({ category: "odd", cursorOptions: { n: 2 } });
  assert.deepEqual(latest.map((i) => i.Id), ["g5", "g3"]);
  const near = await client.getItemNeighbors({ itemId: "g0", cursorOptions: { n: 1 } });
  assert.deepEqual(near.map((i) => i.Id), ["g2"]);
});
await step("an item is hidden, and deleted", async () => {
  await client.updateItem("g5", { IsHidden: true });
  assert.equal((await client.getItem("g5")).IsHidden, true);
  const latest = await client.getLatest({ cursorOptions: { n: 1 } });
  assert.deepEqual(latest.map((i) => i.Id), ["g4"]);
  assert.equal(await client.deleteItem("g5"), 1);
  await assert.rejects(client.getItem("g5"), (error) => error.code === 404);
});
await step("a wrong key is refused, and a publishable one writes no item", async () => {
  const stranger = new Gorse({ endpoint: url, secret: "nonsense" });
  await assert.rejects(stranger.getPopular({}), (error) => error.code === 401);
  const browser = new Gorse({ endpoint: url, secret: publishable });
  await assert.rejects(browser.upsertItem(item("x", "y", 1)), (error) => error.code === 403);
  assert.equal(await browser.insertFeedbacks([feedback("click", "carol", "g1")]), 1);
});
