/**
 * A line to a mesh: how a face reaches it, whether the mesh is in this process or behind its control
 * socket. Both ends run the same commands and give the same data, so a face need not know which it has.
 */

import type { Mesh } from "../../runtime/api/mesh-api.ts";
import { operatorOf } from "../operator/role.ts";
import { UsageError } from "../terminal/exit.ts";
import { didYouMean } from "../terminal/nearest.ts";
import { toPlain } from "../terminal/plain.ts";
import { type Command, type CommandWatch, checkArguments, type MeshCommand } from "./command.ts";
import { remember } from "./deeds.ts";
import { actOf } from "./operator-acts.ts";

/** The size of a mesh: all that completion of addresses and workers needs. */
export interface Size {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
  readonly workers: number;
}

/** A line to a mesh. */
export interface MeshLine {
  readonly size: Size;
  /** Process of the mesh. */
  readonly pid: number;
  /** Aborts, with an error as its reason, when the mesh cannot be reached any more. */
  readonly gone: AbortSignal;
  /** Runs a command there; the data is plain JSON. `onProgress` hears in words how far it is. */
  call(
    command: string,
    args: Record<string, unknown>,
    signal?: AbortSignal,
    onProgress?: (progress: string) => void,
  ): Promise<unknown>;
  /** Runs a command there now and every `everyMs`, until it fails or the returned function is called. */
  watch(
    command: string,
    args: Record<string, unknown>,
    everyMs: number,
    onData: (data: unknown) => void,
    onFailure: (error: unknown) => void,
  ): () => void;
  close(): void;
}

/** Finds a command that runs where the mesh is; UsageError when there is none of this name. */
export function meshCommandNamed(commands: readonly Command[], name: string): MeshCommand {
  const command = commands.find((candidate) => candidate.name === name);
  if (command?.needs === "mesh") return command;
  const names = commands.filter(({ needs }) => needs === "mesh").map((known) => known.name);
  throw new UsageError(`unknown command "${name}"${didYouMean(name, names)}`);
}

/**
 * Checks the arguments and runs a command of the mesh, if those who watch operators let it pass; the data is plain
 * JSON. `watch`: who runs it, and the gate that says whether they may.
 */
export async function runOnMesh(
  commands: readonly Command[],
  mesh: Mesh,
  name: string,
  given: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  tell?: (progress: string) => void,
  watch?: CommandWatch,
): Promise<unknown> {
  const command = meshCommandNamed(commands, name);
  const args = checkArguments(command, given);
  signal.throwIfAborted();
  const run = { commands, mesh, command, args, signal, tell, watch };
  if (watch === undefined) return performOnMesh(run);
  const { gate, caller, isWatch } = watch;
  const need = command.needOf(args);
  const changes = command.changesWith(args);
  const deed = { command: name, args, need, changes, isWatch };
  return gate.run(
    caller,
    deed,
    () => performOnMesh(run),
    (data) => command.failed(data),
  );
}

interface Run {
  readonly commands: readonly Command[];
  readonly mesh: Mesh;
  readonly command: MeshCommand;
  readonly args: Record<string, unknown>;
  readonly signal: AbortSignal;
  readonly tell: ((progress: string) => void) | undefined;
  readonly watch: CommandWatch | undefined;
}

async function performOnMesh(run: Run): Promise<unknown> {
  const { commands, mesh, command, args, signal, tell, watch } = run;
  const who = operatorOf(watch?.caller);
  mesh.threats.act(actOf(mesh, command, args, who));
  // Not every act of a mesh can be called off, but nobody has to wait for it: its shard may hang.
  let onAbort = (): void => {};
  const calledOff = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    const perform = async (other: string, otherArgs: Record<string, unknown>): Promise<unknown> => {
      const found = meshCommandNamed(commands, other);
      const checked = checkArguments(found, otherArgs);
      const act = async (): Promise<unknown> => {
        mesh.threats.act(actOf(mesh, found, checked, who));
        return toPlain(await found.run(session, checked));
      };
      if (watch === undefined) return act();
      return watch.gate.run(
        watch.caller,
        {
          command: other,
          args: checked,
          need: found.needOf(checked),
          changes: found.changesWith(checked),
        },
        act,
        (data) => found.failed(data),
      );
    };
    const session = { mesh, signal, commands, perform, watch, ...(tell !== undefined && { tell }) };
    const data = await Promise.race([command.run(session, args), calledOff]);
    remember(mesh, command, args, data);
    return toPlain(data);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A line to a mesh in this process. */
export function localLine(
  mesh: Mesh,
  commands: readonly Command[],
  watch?: CommandWatch,
): MeshLine {
  const { sectors, clustersPerSector, agentsPerCluster } = mesh.topology;
  // A mesh in this process cannot get lost without the process.
  const never = new AbortController().signal;
  const call: MeshLine["call"] = (command, args, signal = never, onProgress) =>
    runOnMesh(commands, mesh, command, args, signal, onProgress, watch);
  const again = watch && { ...watch, isWatch: true };
  return {
    size: { sectors, clustersPerSector, agentsPerCluster, workers: mesh.status().workers.length },
    pid: process.pid,
    gone: never,
    call,
    watch(command, args, everyMs, onData, onFailure) {
      const look = (): Promise<unknown> =>
        runOnMesh(commands, mesh, command, args, never, undefined, again);
      return repeat(look, everyMs, onData, onFailure);
    },
    close() {},
  };
}

/** Runs `task` now and every `everyMs`, never twice at once; a failure ends it. */
export function repeat(
  task: () => Promise<unknown>,
  everyMs: number,
  onData: (data: unknown) => void,
  onFailure: (error: unknown) => void,
): () => void {
  let running = false;
  let stopped = false;
  const turn = async (): Promise<void> => {
    if (running || stopped) return;
    running = true;
    try {
      const data = await task();
      if (!stopped) onData(data);
    } catch (error) {
      if (!stopped) onFailure(error);
      stop();
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void turn(), everyMs);
  const stop = (): void => {
    stopped = true;
    clearInterval(timer);
  };
  void turn();
  return stop;
}
