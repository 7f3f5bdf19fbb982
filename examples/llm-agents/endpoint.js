// The least of an OpenAI-compatible endpoint: one sentence, streamed word by word, and what it used.
import { createServer } from "node:http";

const WORDS = "Air scatters the blue of sunlight more than the red of it .".split(" ");

/** Starts it on a free port of this machine. */
export async function startEndpoint() {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { messages } = JSON.parse(body);
    const event = (data) => response.write(`data: ${JSON.stringify(data)}\n\n`);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const word of WORDS) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      event({ choices: [{ delta: { content: word === "." ? word : ` ${word}` } }] });
    }
    event({ choices: [{ delta: {}, finish_reason: "stop" }] });
    const prompt_tokens = messages.reduce((sum, { content }) => sum + content.split(" ").length, 0);
    event({ choices: [], usage: { prompt_tokens, completion_tokens: WORDS.length } });
    response.end("data: [DONE]\n\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
