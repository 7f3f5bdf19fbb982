/** `mcp`: a running mesh for clients of the Model Context Protocol. */
import { systemClock } from "../runtime/machine/clock.ts";
import { ROLE_PARAMETER } from "./attach.ts";
import { type FaceCommand, faceCommand } from "./command/command.ts";
import { dataFolder } from "./command/config.ts";
import { type Face, say } from "./command/face.ts";
import type { MeshLine } from "./command/line.ts";
import { text } from "./command/values.ts";
import { ControlClient } from "./control/control-client.ts";
import { loadMcpSdk } from "./mcp/mcp-sdk.ts";
import { McpSession } from "./mcp/mcp-session.ts";
import type { Role } from "./operator/role.ts";
import { ConsoleError } from "./terminal/exit.ts";

/** `mcp [--data DIR]`. */
export const mcpCommand: FaceCommand = faceCommand({
  name: "mcp",
  help: "Serve a running mesh to an MCP client over stdin and stdout: commands as tools, agents as resources.",
  details:
    "For the configuration of the client, which starts it by itself. What changes the mesh is done only when " +
    "it is confirmed: by the person where the client can ask them, else by a second call with a token. It ends " +
    "when stdin ends, and with exit code 69 when the mesh does. Needs @modelcontextprotocol/sdk installed, as does " +
    "/mcp of the HTTP face, where a running mesh serves clients over HTTP by itself.",
  parameters: {
    data: {
      schema: text("the path of a folder").optional(),
      help: "data folder of the running mesh (default: MESH_DATA, or .mesh-30k here)",
      value: "dir",
    },
    role: ROLE_PARAMETER,
  },
  examples: ["mcp", "mcp --data /srv/mesh", "mcp --role operate"],
  run: (face, { data, role }) => serve(face, data, role),
  render: () => "",
  toJson: () => undefined,
});

async function serve(face: Face, data: string | undefined, role: Role | undefined): Promise<void> {
  const line = await ControlClient.connect(dataFolder(face, data), face.env);
  try {
    line.narrow("mcp", role);
    await serveLine(face, line);
  } finally {
    line.close();
  }
}

async function serveLine(face: Face, line: MeshLine): Promise<void> {
  const sdk = await loadMcpSdk();
  const { commands, stdin, stdout } = face;
  const session = new McpSession({ line, commands, nowMs: () => systemClock.nowMs() });
  const server = await sdk.serveStreams(session, stdin, stdout, (trouble) => {
    say(face, `mcp: ${trouble.split("\n")[0]}`);
  });
  say(face, `mcp: serving the mesh of process ${line.pid}`);
  // Whoever ends it, the other two must not be left waiting: the client, the mesh, or the protocol itself.
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
    void server.close();
  };
  stdin.once("end", end);
  line.gone.addEventListener("abort", end, { once: true });
  if (line.gone.aborted || stdin.readableEnded) end();
  try {
    await server.closed;
    line.gone.throwIfAborted();
    // What was wrong with its words has been said.
    if (!isEnded) throw new ConsoleError("CONSOLE_MCP", "mcp: the client cannot be served further");
  } finally {
    stdin.off("end", end);
    line.gone.removeEventListener("abort", end);
  }
}
