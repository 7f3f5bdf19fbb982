// The other node of the bench `link`, or the other client of its peer, until the bench lets go of it.
import { connect } from "@nats-io/transport-node";
import { proveTask } from "./cargo.ts";
import { linkMesh } from "./link-mesh.ts";
import type { TaskMessage } from "./payload.ts";
import { question } from "./processes.ts";

/** Whose other side it is. */
export interface LinkQuestion {
  readonly url: string;
  readonly side: "mesh" | "client";
}

const { url, side } = question<LinkQuestion>();
if (side === "mesh") {
  const mesh = await linkMesh(url, "two");
  process.send?.("ready");
  process.once("disconnect", () => mesh.stop({ deadlineMs: 0 }).then(() => process.exit(0)));
} else {
  const connection = await connect({ servers: url });
  let handled = 0;
  connection.subscribe("bench", {
    callback: (_error, message) => proveTask(message.json<TaskMessage>(), handled++),
  });
  connection.subscribe("handled", {
    callback: (_error, message) => void message.respond(JSON.stringify(handled)),
  });
  await connection.flush();
  process.send?.("ready");
  process.once("disconnect", () => connection.close().then(() => process.exit(0)));
}
