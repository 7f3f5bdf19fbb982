// The outside world of this example: a small web service that agents call over HTTP.
import { createServer } from "node:http";

/** Starts the service on a free port of this machine. */
export async function startQuoteServer() {
  let requests = 0;
  const callers = new Set();
  const server = createServer((request, response) => {
    requests++;
    callers.add(request.headers["x-agent"]);
    const item = new URL(request.url, "http://localhost").searchParams.get("item");
    // Real services take their time, and not always the same.
    setTimeout(
      () => {
        response.setHeader("content-type", "application/json");
        // A service with a fault: what is not in stock comes without its price.
        response.end(
          JSON.stringify(item === "unicorn" ? { item } : { item, price: { cents: 1250 } }),
        );
      },
      5 + (requests % 20),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests: () => requests,
    callers: () => callers.size,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
