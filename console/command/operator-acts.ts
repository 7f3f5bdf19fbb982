/** What a command is to those who watch for a compromised operator: the one place that says so of every command. */
import { IMPEDANCE_CLASSES } from "../../coordination/impedance-class.ts";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { ActKind, Operator, OperatorAct } from "../../runtime/api/threat-api.ts";
import { whomOf } from "./blast-radius.ts";
import type { MeshCommand } from "./command.ts";
import { writtenCommand } from "./written-command.ts";

type Given = Readonly<Record<string, unknown>>;

/** What an act is, and of what weight. */
interface Sort {
  readonly kind: ActKind;
  readonly weight?: number;
  /** What it is done to, where the arguments name no place. */
  readonly target?: string;
  /** Share of the mesh, where it does not follow from the place. */
  readonly share?: number;
}

/** A mode set by hand, better than what the mesh itself would choose. */
const FORCED_MODE = 4;
/** A threat that is said to be none. */
const LIFTED_THREAT = 4;

/** Characters of a command that are kept. */
const MOST_WORDS = 160;
/** Whoever is drained has finished what they had: of a smaller mesh that is at most so much. */
const MOST_DRAINED = 0.2;
/** Commands that give the mesh work; they change it only as far as that does. */
const WORK: ReadonlySet<string> = new Set([
  "tell",
  "ask",
  "broadcast",
  "scatter",
  "cascade",
  "delegate",
  "pipeline",
  "reassign",
  "say",
  "inbox",
]);
/** Looks that show what agents hold, and not only figures of them. */
const READS: ReadonlySet<string> = new Set(["inspect", "evidence"]);

/** The act that a command is with these arguments. Reads shared memory only. */
export function actOf(mesh: Mesh, command: MeshCommand, args: Given, who: Operator): OperatorAct {
  const { kind, weight, target, share } = sortOf(mesh, command, args, who);
  // Most is looked at: of that nobody asks how much it touches.
  const touched = kind === "look" ? 0 : (share ?? shareOf(mesh, args));
  return {
    who,
    kind,
    command: briefOf(writtenCommand(command, args)),
    target: target ?? `${command.name} ${whomOf(args)}`,
    share: touched,
    ...(weight !== undefined && { weight }),
  };
}

/** Messages may be long, and what is kept of an act is not. */
function briefOf(written: string): string {
  return written.length > MOST_WORDS ? `${written.slice(0, MOST_WORDS - 1)}…` : written;
}

function sortOf(mesh: Mesh, command: MeshCommand, args: Given, who: Operator): Sort {
  const { name } = command;
  if (READS.has(name) || args.action === "show") return readOf(name, args);
  if (WORK.has(name)) return { kind: "work" };
  if (!command.changesWith({ ...args })) return { kind: "look" };
  const place = String(args.target ?? args.scope ?? args.id ?? "");
  switch (name) {
    case "freeze":
      return whomOf(args) === "all" ? { kind: "brake" } : { kind: "remove", target: whomOf(args) };
    case "thaw":
      return { kind: "restore", target: whomOf(args) };
    case "circuits":
      return args.action === "trip"
        ? { kind: "remove", target: place }
        : { kind: "unguard", target: place };
    case "route":
      // Of one capability only: whom it is about goes on with all the others.
      if (args.capability !== undefined) return { kind: "operate" };
      return args.action === "avoid"
        ? { kind: "remove", target: place }
        : { kind: "unguard", target: place };
    case "scale":
      return scaleOf(mesh, args);
    case "mode":
      return modeOf(mesh, args);
    case "keys":
      return keysOf(args, place, who);
    case "operators":
      return operatorsOf(args, who);
    case "certs":
      return { kind: args.action === "issue" ? "grant" : "operate" };
    case "threats":
      // Whoever is at the machine must be able to, or a mesh that stands still would do so for ever.
      if (who.local) return { kind: "look" };
      return { kind: "unguard", weight: LIFTED_THREAT, target: place };
    case "quarantine":
      return { kind: args.action === "release" ? "unguard" : "decide", target: place, share: 0 };
    case "conflicts":
      return { kind: "decide", target: place, share: 0 };
    case "kill":
      return { kind: "kill", target: place };
    default:
      return { kind: "operate" };
  }
}

/** Who rotates keys gets nothing that they had not; nor does the owner, who sets a mesh up by making them. */
function keysOf({ action }: Given, place: string, { local }: Operator): Sort {
  if (action === "revoke") return { kind: "revoke", target: `keys ${place}` };
  return { kind: action === "init" && !local ? "grant" : "operate", target: `keys ${place}` };
}

/** Who lets others in, or makes a secret that does; the owner does so to set a mesh up. */
function operatorsOf({ action, name = "" }: Given, { local }: Operator): Sort {
  const target = `operators ${name}`.trim();
  if (action === "remove") return { kind: "revoke", target };
  const grants = action === "invite" || action === "break-glass";
  return { kind: grants && !local ? "grant" : "operate", target };
}

function readOf(name: string, args: Given): Sort {
  // What is held of a conflict, of a message: read one by one as agents are.
  const isHeld = name === "quarantine" || name === "dead-letters" || name === "inbox";
  if (!READS.has(name) && !isHeld) return { kind: "look" };
  return { kind: "read", share: 0, target: isHeld ? `${name} ${args.id}` : whomOf(args) };
}

function scaleOf(mesh: Mesh, args: Given): Sort {
  const count = Number(args.count ?? 0);
  const { total } = mesh.status().agents;
  if (args.action === "add") return { kind: "restore", target: "scale", share: 0 };
  if (args.action !== "remove") return { kind: "operate", share: 0 };
  const share = total === 0 ? 0 : Math.min(MOST_DRAINED, count / total);
  return { kind: "remove", target: "scale", share };
}

/** A worse mode than that of the moment is a safeguard, a better one takes one away. */
function modeOf(mesh: Mesh, args: Given): Sort {
  if (args.action !== "set") return { kind: "operate", share: 0 };
  const order = ["FULL", "DEGRADED_LIGHT", "DEGRADED_MODERATE", "DEGRADED_SEVERE", "EMERGENCY"];
  const isBetter = order.indexOf(String(args.mode)) < order.indexOf(mesh.mode.status().mode);
  if (!isBetter) return { kind: "operate", share: 0 };
  return { kind: "unguard", weight: FORCED_MODE, target: "mode", share: 0 };
}

/** Share of the mesh's agents that the arguments name. */
function shareOf(mesh: Mesh, args: Given): number {
  const { agents, sectors, clustersPerSector } = mesh.topology;
  const whom = whomOf(args);
  if (agents === 0) return 0;
  if (/^sector-\d+$/.test(whom)) return 1 / sectors;
  if (/^sector-\d+\/cluster-\d+$/.test(whom)) return 1 / (sectors * clustersPerSector);
  if (whom === "all" || whom === "orchestrator") return namesNobody(args) ? 0 : 1;
  const ofClass = IMPEDANCE_CLASSES.findIndex(({ name }) => name === whom);
  if (ofClass < 0) return 1 / agents;
  return mesh.topology.classOf.filter((index) => index === ofClass).length / agents;
}

/** Without any word of whom, a command is about a record or a setting, unless it gives work to all. */
function namesNobody(args: Given): boolean {
  return "id" in args || ("action" in args && !("target" in args || "scope" in args));
}
