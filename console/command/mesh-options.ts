/** From settings to the options of a mesh. */
import { pathToFileURL } from "node:url";
import type { Cut } from "../../runtime/api/cut.ts";
import type { MeshEvents, MeshOptions } from "../../runtime/api/mesh-api.ts";
import type { NodeOptions } from "../../runtime/api/node-api.ts";
import type { Settings } from "./settings.ts";

/** What a start adds to its settings. */
export interface Boot {
  readonly logFile: string | undefined;
  /** Sets the journal of the mesh before aside. */
  readonly fresh?: boolean;
  /** What `--thaw` has read. */
  readonly from: Cut | undefined;
  /** Aborts the boot. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: MeshEvents["progress"]) => void;
}

/** Options of `createMesh`. What was not set is left out, so that the mesh's own defaults hold. */
export function meshOptions(settings: Settings, boot: Boot): MeshOptions {
  const { sectors, clusters, agents, traces } = settings;
  const mailbox = {
    ...(settings.mailboxMessages !== undefined && { maxMessages: settings.mailboxMessages }),
    ...(settings.mailboxBytes !== undefined && { maxBytes: settings.mailboxBytes }),
    ...(settings.mailboxOverflow !== undefined && {
      overflow: settings.mailboxOverflow as NonNullable<MeshOptions["mailbox"]>["overflow"] & {},
    }),
  };
  const storeNode = settings.storeNode ?? settings.node;
  return {
    agent: agentOption(settings.agent),
    ...(traces !== undefined && { agentOptions: { traces } }),
    topology: {
      ...boot.from?.topology,
      sectors,
      clustersPerSector: clusters,
      agentsPerCluster: agents,
      ...(settings.growth !== undefined && { growth: settings.growth }),
    },
    ...(boot.from !== undefined && { from: boot.from }),
    mailbox,
    dataDir: settings.data,
    ...(settings.store !== undefined && {
      store: {
        url: settings.store,
        ...(storeNode !== undefined && { node: storeNode }),
      },
    }),
    log: settings.log,
    signal: boot.signal,
    onProgress: boot.onProgress,
    ...(boot.fresh === true && { fresh: true }),
    ...(boot.logFile !== undefined && { logFile: boot.logFile }),
    ...(settings.watch !== undefined && { watch: settings.watch }),
    ...(settings.workers !== undefined && { workers: settings.workers }),
    ...(settings.heartbeat !== undefined && { heartbeatMs: settings.heartbeat }),
    ...(settings.watchdog !== undefined && { watchdogMs: settings.watchdog }),
    ...(settings.checkpoint !== undefined && { checkpointMs: settings.checkpoint }),
    ...(settings.maxPayload !== undefined && { maxPayloadBytes: settings.maxPayload }),
    ...(settings.maxDeliveries !== undefined && { maxDeliveries: settings.maxDeliveries }),
    ...(settings.custody !== undefined && { custodyBytes: settings.custody }),
    ...(settings.restart !== undefined && { restart: settings.restart }),
    ...(settings.predictor !== undefined && { predictor: settings.predictor }),
    ...(settings.trust !== undefined && { trust: settings.trust }),
    ...(settings.seed !== undefined && { seed: settings.seed }),
    ...(settings.join !== undefined && { nodes: nodeOptions(settings, settings.join) }),
  };
}

function nodeOptions(settings: Settings, join: string): NodeOptions {
  const { joinCreds, joinUser, joinPassword, joinToken, joinCa, joinCert, joinKey } = settings;
  const tls = {
    ...(joinCa !== undefined && { ca: joinCa }),
    ...(joinCert !== undefined && { cert: joinCert }),
    ...(joinKey !== undefined && { key: joinKey }),
  };
  return {
    join,
    ...(settings.node !== undefined && { name: settings.node }),
    ...(settings.meshName !== undefined && { mesh: settings.meshName }),
    ...(settings.nodes !== undefined && { expected: settings.nodes }),
    ...(settings.lease !== undefined && { leaseMs: settings.lease }),
    ...(joinCreds !== undefined && { credentials: joinCreds }),
    ...(joinUser !== undefined && { user: joinUser }),
    ...(joinPassword !== undefined && { password: joinPassword }),
    ...(joinToken !== undefined && { token: joinToken }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

/** A path is one whatever it looks like; what else agents are, the mesh reads. */
function agentOption(agent: Settings["agent"]): MeshOptions["agent"] {
  if (agent === undefined) return traceAgent();
  return typeof agent === "string" ? pathToFileURL(agent) : agent;
}

/** The agents of a mesh without --agent. By URL: people's words do not import other machines'. */
function traceAgent(): URL {
  // Workers load what we are ourselves: the built package, or the source.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const module = `../../remote/trace-agent.${extension}`;
  return new URL(module, import.meta.url);
}
