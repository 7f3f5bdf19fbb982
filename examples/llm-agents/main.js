// Forty agents that are a language model, and may use so many tokens together and no more. With OPENAI_BASE_URL (and
// OPENAI_API_KEY, MODEL) they call that endpoint; without it a small one on this machine.
// Run it from a clone after `npm ci`: node examples/llm-agents/main.js
import { createMesh } from "mesh-30k";
import { startEndpoint } from "./endpoint.js";

const { OPENAI_BASE_URL, OPENAI_API_KEY, MODEL = "small" } = process.env;
const BUDGET_TOKENS = 600;

const endpoint = OPENAI_BASE_URL === undefined ? await startEndpoint() : undefined;
const mesh = await createMesh({
  agent: {
    llm: {
      url: OPENAI_BASE_URL ?? endpoint.url,
      model: MODEL,
      ...(OPENAI_API_KEY !== undefined && { apiKey: OPENAI_API_KEY }),
      system: "You answer in one sentence.",
      maxTokens: 60,
      price: { input: 0.15, output: 0.6 },
      budget: { mesh: { tokens: BUDGET_TOKENS } },
    },
  },
  topology: { sectors: 2, clustersPerSector: 2, agentsPerCluster: 10 },
  log: "silent",
});
const asks = mesh
  .select("llm")
  .map((agent) => mesh.ask(agent, "Why is the sky blue?", { timeoutMs: 60_000 }));
const answers = await Promise.all(asks);
const ready = answers.filter(({ state }) => state === 1).map(({ value }) => value);
const over = answers.filter(({ state }) => state === -1);
const tokens = ready.reduce((sum, each) => sum + each.promptTokens + each.completionTokens, 0);
const usd = ready.reduce((sum, each) => sum + each.usd, 0);
console.log(`"${ready[0]?.text}"`);
console.log(`${ready.length} answers for ${tokens} tokens, ${usd.toFixed(6)} USD`);
console.log(`${over.length} agents over budget: ${over[0]?.conflict.expected}`);
await mesh.stop();
await endpoint?.close();
process.exitCode = ready.length > 0 && tokens <= BUDGET_TOKENS ? 0 : 1;
