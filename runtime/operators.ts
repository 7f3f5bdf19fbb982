import type { HumanInbox } from "./api/conflict-api.ts";
import type { ApprovalRequest } from "./api/mode-api.ts";
import type { Freezer } from "./freeze/freezer.ts";

/** How long a person may take to consent to an operation, ms; then it is refused. */
const APPROVAL_MS = 600_000;

/**
 * Asks people for their consent through the inbox (spec 6.3): true when it was approved, false when it was denied, when
 * nobody decided within ten minutes, and when whoever wanted it has given up.
 */
export async function approvalFrom(inbox: HumanInbox, request: ApprovalRequest): Promise<boolean> {
  const { operation, agents, priority, mode, signal } = request;
  const { itemId } = await inbox.open({
    kind: "approval",
    text: `${operation} over ${agents} agents, priority ${priority}: the mode is ${mode}`,
    about: { operation, agents, priority, mode },
    withinMs: APPROVAL_MS,
  });
  const decided = inbox.decision(itemId).then(({ state }) => state === "approved");
  return new Promise((resolve, reject) => {
    const refuse = (): void => resolve(false);
    const forget = inbox.on("overdue", (item) => item.itemId === itemId && refuse());
    signal?.addEventListener("abort", refuse, { once: true });
    decided.then(resolve, reject).finally(() => {
      forget();
      signal?.removeEventListener("abort", refuse);
    });
  });
}

/** Writes the state of the mesh to its data folder: all stand still for the moment of the cut, and go on. */
export async function preserveIn(freezer: Freezer): Promise<void> {
  // Who stands still is in the file already.
  if (freezer.standsStill) return;
  await freezer.freeze();
  try {
    await freezer.thaw();
  } catch (error) {
    // Somebody else has reason to keep it frozen: its state is preserved all the same.
    if ((error as { readonly code?: string }).code !== "MESH_HELD") throw error;
  }
}
