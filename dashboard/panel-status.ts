/** The operator's box of spec 7.1, and the workers. */
import { byId, element, fill } from "./dom.ts";
import type { Status, Worker } from "./model.ts";
import { count, duration, share } from "./words.ts";

/** Shows a status. */
export function showStatus(status: Status): void {
  const { agents, sectors, lastCascadeMs } = status;
  const active = agents.active / Math.max(1, agents.total);
  byId("uptime").textContent = `up ${duration(status.uptimeMs)}`;
  fill(
    byId("status"),
    fact(
      "Agents",
      `${count(agents.active)} / ${count(agents.total)} active (${share(active)})`,
      active >= 0.95 ? "" : "poor",
    ),
    fact(
      "Sectors",
      `${count(sectors.healthy)}/${count(sectors.total)} healthy`,
      sectors.healthy === sectors.total ? "" : "poor",
    ),
    fact("Mean Impedance", `${count(status.meanImpedance)}ms`),
    fact(
      "Conflicts (last hour)",
      count(status.conflictsLastHour),
      status.conflictsLastHour > 0 ? "bad" : "",
    ),
    fact("Mode", status.mode, status.mode === "FULL" ? "good" : "poor"),
    fact("Last cascade", lastCascadeMs === null ? "never" : `${duration(lastCascadeMs)} ago`),
    ...(status.frozen ?? []).map(({ scope, agents: standing }) =>
      fact("FROZEN", `${scope}, ${count(standing)} agents`, "poor"),
    ),
    ...threatFacts(status),
    fact("In flight", count(status.messages.inFlight)),
    fact("Lost", count(status.lost), status.lost === 0 ? "" : "bad"),
  );
  showWorkers(status.workerDetails);
}

/** What an attack on the mesh has come to; nothing while no threat is open. */
function threatFacts({ threats }: Status): HTMLElement[] {
  if (threats === undefined || threats.open === 0) return [];
  const what = [
    `${count(threats.open)} open`,
    ...(threats.held ? ["frozen until lifted at the console"] : []),
    ...(threats.weightsLocked ? ["impedance weights locked"] : []),
    ...(threats.suspended.length > 0 ? [`suspended: ${threats.suspended.join(", ")}`] : []),
  ];
  return [fact("THREATS", what.join("; "), "bad")];
}

function showWorkers(workers: readonly Worker[]): void {
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "worker"),
    element("th", { scope: "col" }, "state"),
    element("th", { scope: "col", class: "n" }, "agents"),
    element("th", { scope: "col", class: "n" }, "restarts"),
  );
  const rows = workers.map((worker) => {
    const troubled = worker.state !== "running" && worker.state !== "parked";
    const at = worker.current === undefined ? {} : { title: worker.current.address };
    return element(
      "tr",
      at,
      element("td", { class: "mono" }, worker.name),
      element("td", troubled ? { class: "bad" } : {}, worker.state),
      element("td", { class: "n" }, count(worker.agents)),
      element("td", { class: "n" }, count(worker.restarts)),
    );
  });
  fill(
    byId("workers"),
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}

function fact(name: string, value: string, tone = ""): HTMLElement {
  const shown = element("dd", tone === "" ? {} : { class: tone }, value);
  return element("div", {}, element("dt", {}, name), shown);
}
