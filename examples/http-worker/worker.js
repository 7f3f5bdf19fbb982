// An agent at the edge, to deploy as it is: Cloudflare Workers, Deno Deploy and Bun call `fetch` like this.
// SECRET is the text that `mesh.yaml` names; whoever does not know it gets nothing done.
export default {
  async fetch(request, { SECRET }) {
    const receivedMs = Date.now();
    const body = await request.text();
    if (request.method === "POST" && !(await isSigned(request.headers, body, SECRET)))
      return new Response("not signed by the mesh", { status: 401 });
    const { agent, message } = request.method === "POST" ? JSON.parse(body) : {};
    if (message?.celsius > 60) {
      const conflict = {
        type: "DATA_CONTRADICTION",
        expected: "at most 60",
        received: message.celsius,
      };
      return Response.json({ state: -1, conflict });
    }
    const value = message && { agent, fahrenheit: message.celsius * 1.8 + 32 };
    // With both stamps the mesh learns how long its messages travel, and what time it is here.
    return Response.json({ state: 1, value, receivedMs, answeredMs: Date.now() });
  },
};

/** HMAC-SHA256 over id, timestamp and body, not older than five minutes (standardwebhooks.com). */
async function isSigned(headers, body, secret) {
  const [id, time, signature] = ["id", "timestamp", "signature"].map(
    (name) => headers.get(`webhook-${name}`) ?? "",
  );
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < 300) || !signature.startsWith("v1,"))
    return false;
  const bytes = (text) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey(
    "raw",
    bytes(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const signed = Uint8Array.from(atob(signature.slice(3)), (character) => character.charCodeAt(0));
  return crypto.subtle.verify("HMAC", key, signed, bytes(`${id}.${time}.${body}`));
}
