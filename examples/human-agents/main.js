// People as agents: questions wait in the inbox of the mesh, a webhook is told, the process ends and comes back, and
// somebody decides. Run it from a clone after `npm ci`: node examples/human-agents/main.js
// In a running mesh you would decide in the dashboard, or with `inbox approve ID --by anna --comment '…'`.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMesh } from "mesh-30k";

const PERSON = "sector-1/cluster-1/agent-1";
const QUESTIONS = [
  { id: "pay-12000", text: "Pay 12,000?", about: { invoice: "A-17" } },
  { id: "delete-backups", text: "Delete the backups?" },
];
const dataDir = mkdtempSync(join(tmpdir(), "mesh-people-"));

/** A chat, a pager: whatever takes a webhook. */
const pager = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { event, item } = JSON.parse(body);
  console.log(`told by the webhook: ${event} "${item.text}"`);
  response.writeHead(204).end();
});
await new Promise((resolve) => pager.listen(0, "127.0.0.1", resolve));

const start = () =>
  createMesh({
    agent: { human: { notify: { url: `http://127.0.0.1:${pager.address().port}/` } } },
    topology: {
      sectors: 1,
      clustersPerSector: 1,
      agentsPerCluster: 4,
      classes: { CLASS_F_HUMAN: 1 },
    },
    dataDir,
    log: "silent",
  });
const ask = (mesh, question) => mesh.ask(PERSON, question, { timeoutMs: 8 * 3_600_000 });
const open = async (mesh) => {
  for (;;) {
    const items = await mesh.inbox.list();
    if (items.length === QUESTIONS.length) return items;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const first = await start();
// Nobody decides before the process ends; the questions outlive it.
for (const question of QUESTIONS) ask(first, question).catch(() => {});
await open(first);
await new Promise((resolve) => setTimeout(resolve, 200));
await first.stop({ deadlineMs: 0 });

const second = await start();
const answers = QUESTIONS.map((question) => ask(second, question));
console.log(`after the restart ${(await open(second)).length} questions are open`);
await second.inbox.approve("pay-12000", { by: "anna", comment: "invoice seen" });
await second.inbox.deny("delete-backups", { by: "anna" });
let decided = 0;
for (const [i, { value }] of (await Promise.all(answers)).entries()) {
  const { approved, by, comment } = value;
  decided++;
  console.log(
    `${QUESTIONS[i].text} ${approved ? "approved" : "denied"} by ${by}${comment && `: ${comment}`}`,
  );
}
await second.stop();
pager.closeAllConnections();
pager.close();
rmSync(dataDir, { recursive: true, force: true });
process.exitCode = decided === QUESTIONS.length ? 0 : 1;
