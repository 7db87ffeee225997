// What both scenarios need: assertions that say what they are about, and Vitrine's own API.
import assert from "node:assert/strict";

export const url = process.env.VITRINE_URL;
export const secret = process.env.VITRINE_SECRET;
export const publishable = process.env.VITRINE_PUBLISHABLE;

let done = 0;
export async function step(what, run) {
  try {
    await run();
  } catch (error) {
    console.error(`FAILED: ${what}`);
    throw error;
  }
  console.log(`  ok ${++done}: ${what}`);
}

export async function vitrine(method, path, body, key = secret) {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

// The user's history as Vitrine shows it, newest first, once everything sent so far is in it.
export async function seenBy(user) {
  const marker = await vitrine("POST", "/v1/events", {
    event_id: `marker-${Date.now()}-${Math.random()}`,
    type: "home-page-view",
    user: { anonymous_id: "marker" },
  });
  const answer = await vitrine("POST", "/v1/recommend/recently-viewed", {
    user: { user_id: user },
    min_profile_version: marker.profile_version,
  });
  return answer.items.map((item) => item.item_id);
}

export { assert };
