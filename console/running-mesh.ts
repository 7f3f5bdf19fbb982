/** A mesh from its boot to its end, as `start` runs it. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Cut } from "../runtime/api/cut.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { renderReload } from "./catalog/reload-command.ts";
import { type Face, say } from "./command/face.ts";
import { localLine } from "./command/line.ts";
import { isLoopback } from "./command/listen-address.ts";
import { meshOptions } from "./command/mesh-options.ts";
import type { Settings } from "./command/settings.ts";
import { StopSignals } from "./command/stop-signals.ts";
import type { TypedLine } from "./command/typed-line.ts";
import { type Control, openControl } from "./control/control.ts";
import { type LanguageModel, languageModel } from "./grammar/language-model.ts";
import type { HttpFace, HttpPlan } from "./http-face.ts";
import { Gate } from "./operator/gate.ts";
import { ownerOf } from "./operator/role.ts";
import { Repl } from "./repl.ts";
import { type StatusDocument, statusDocument } from "./reports/status.ts";
import { runLines } from "./run-lines.ts";
import type { StartOutcome } from "./start.ts";
import { Deferred } from "./terminal/deferred.ts";
import { ConsoleError, EXIT } from "./terminal/exit.ts";
import { formatDuration, formatMoment, formatNumber } from "./terminal/format.ts";
import { paint } from "./terminal/paint.ts";
import { Progress } from "./terminal/progress.ts";
import { tame } from "./terminal/text-width.ts";

/** What the mesh may need beyond its deadline to kill what has not drained. */
const STOP_GRACE_MS = 10_000;

/** By which commands come in. */
interface Doors {
  readonly control: Control;
  readonly http: HttpFace | undefined;
  readonly gate: Gate;
}

/** One run of `start`. */
export class RunningMesh {
  readonly #face: Face;
  readonly #settings: Settings;
  /** The frozen mesh that this one starts from. */
  readonly #from: Cut | undefined;
  /** What to run on the fresh mesh. */
  readonly #lines: readonly TypedLine[];
  /** Undefined without an HTTP face. */
  readonly #http: HttpPlan | undefined;
  /** How many of them did not do what was wanted. */
  #failed = 0;
  /** A person types here: leaving the REPL is then leaving the mesh. */
  readonly #typed: boolean;
  /** Asked for what the grammar does not understand. */
  readonly #model: LanguageModel | undefined;
  /** The journal of the mesh before is set aside. */
  readonly #fresh: boolean;

  constructor(
    face: Face,
    settings: Settings,
    lines: readonly TypedLine[],
    begin: { readonly fresh: boolean; readonly http: HttpPlan | undefined; readonly from?: Cut },
  ) {
    this.#fresh = begin.fresh;
    this.#from = begin.from;
    this.#http = begin.http;
    this.#face = face;
    this.#settings = settings;
    this.#model = languageModel(face.env, settings);
    this.#lines = lines;
    this.#typed = settings.repl && face.stdin.isTTY === true;
  }

  /** Boots, runs until something ends it, drains. */
  async run(): Promise<StartOutcome> {
    using stops = new StopSignals(this.#face);
    const ready = new Deferred<Mesh>();
    // Consoles that connect during the boot wait for it; if none does, nobody hears of its failure here.
    ready.promise.catch(() => {});
    const gate = this.#makeGate();
    const control = await this.#openControl(ready.promise, gate);
    let http: HttpFace | undefined;
    try {
      // The folder is ours only now.
      gate.open();
      http = await this.#openHttp(ready.promise, gate);
      const mesh = await this.#boot(stops.signal);
      ready.resolve(mesh);
      const status = await this.#serve(mesh, { control, http, gate }, stops.signal);
      return this.#outcome(this.#failed > 0 ? EXIT.failure : EXIT.ok, status);
    } catch (error) {
      ready.reject(error);
      if (stops.signal.aborted && error === stops.signal.reason) {
        say(this.#face, "stopped before the mesh was ready");
        return this.#outcome(stops.code, undefined);
      }
      throw error;
    } finally {
      await http?.server.close();
      await control.close();
      gate.close();
    }
  }

  /** Before the boot, so that a port that is taken costs nobody a boot. */
  async #openHttp(mesh: Promise<Mesh>, gate: Gate): Promise<HttpFace | undefined> {
    if (this.#http === undefined) return undefined;
    // Only a mesh that is served loads what that takes.
    const { openHttpFace } = await import("./http-face.ts");
    return openHttpFace(this.#http, this.#face.commands, mesh, gate);
  }

  #outcome(exitCode: number, status: StatusDocument | undefined): StartOutcome {
    return { exitCode, status, seen: this.#typed, ran: this.#lines.length > 0 };
  }

  #makeGate(): Gate {
    const { data, requireLogin, tokenRole, socketRole } = this.#settings;
    const isBeyond = this.#http !== undefined && !isLoopback(this.#http.address.host);
    return new Gate({
      dataDir: data,
      env: this.#face.env,
      requireLogin: requireLogin === true || isBeyond,
      tokenRole,
      socketRole,
    });
  }

  #openControl(mesh: Promise<Mesh>, gate: Gate): Promise<Control> {
    const { data, sectors, clusters, agents } = this.#settings;
    const { env, commands } = this.#face;
    const workers = Math.min(this.#settings.workers ?? availableParallelism(), sectors);
    const size = { sectors, clustersPerSector: clusters, agentsPerCluster: agents, workers };
    return openControl({ data, env, commands, size, mesh, gate });
  }

  async #boot(signal: AbortSignal): Promise<Mesh> {
    const progress = new Progress(this.#face.stderr);
    const abort = new AbortController();
    const onStop = (): void => abort.abort(signal.reason);
    signal.addEventListener("abort", onStop, { once: true });
    const options = meshOptions(this.#settings, {
      fresh: this.#fresh,
      logFile: this.#logFile(),
      from: this.#from,
      signal: abort.signal,
      onProgress: (made) => progress.show(made),
    });
    try {
      const mesh = await this.#face.createMesh(options);
      if (!signal.aborted) return mesh;
      await mesh.stop({ deadlineMs: 0 });
      throw signal.reason;
    } catch (error) {
      // However the boot words its end, the reason for it was ours.
      throw signal.aborted ? signal.reason : error;
    } finally {
      // From here on the signal asks for a drain, not for an abortion.
      signal.removeEventListener("abort", onStop);
      progress.done();
    }
  }

  async #serve(
    mesh: Mesh,
    { control, http, gate }: Doors,
    stop: AbortSignal,
  ): Promise<StatusDocument> {
    const { agents, workers, uptimeMs } = mesh.status();
    say(
      this.#face,
      `mesh ready: ${formatNumber(agents.total)} agents on ${formatNumber(workers.length)} workers ` +
        `in ${formatDuration(uptimeMs)}; control socket ${control.path}`,
    );
    const restored = restoredLine(mesh);
    if (restored !== undefined) say(this.#face, restored);
    if (this.#from !== undefined) say(this.#face, thawedSentence(this.#from, agents.total));
    if (http !== undefined) say(this.#face, http.sentence);
    const repl = this.#settings.repl
      ? new Repl(
          this.#face,
          localLine(mesh, this.#face.commands, { gate, caller: ownerOf("repl") }),
          this.#model,
        )
      : undefined;
    const forget = this.#tellOf(mesh, (sentence) => {
      if (repl === undefined) say(this.#face, sentence);
      else repl.notice(sentence);
    });
    const over = new AbortController();
    const ran = this.#runLines(mesh, gate, over.signal);
    let failed: unknown;
    try {
      await this.#untilEnd(mesh, repl, ran, stop);
    } catch (error) {
      failed = error;
    }
    // Whatever ended the mesh ends the commands under way, and what they had to say is still said.
    over.abort(failed ?? stop.reason);
    await ran;
    repl?.close();
    forget();
    const status = statusDocument(mesh.status());
    await this.#drain(mesh);
    if (failed !== undefined) throw failed;
    return status;
  }

  /** Resolves when person, clock, signal or the last command ends the mesh; rejects when it ended by itself. */
  async #untilEnd(
    mesh: Mesh,
    repl: Repl | undefined,
    ran: Promise<void>,
    stop: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = new Deferred<void>();
    const ends: (() => void)[] = [];
    const onStop = (): void => resolve();
    stop.addEventListener("abort", onStop);
    ends.push(() => stop.removeEventListener("abort", onStop));
    if (stop.aborted) resolve();
    const gone = "the mesh has stopped by itself: its supervisors gave up; the log says why";
    ends.push(
      mesh.on("state", (state) => {
        if (state === "stopped") reject(new ConsoleError("CONSOLE_MESH_GONE", gone));
      }),
    );
    // A mesh without a REPL, a clock or a signal to come is kept alive by this.
    const alive = setInterval(() => {}, 3_600_000);
    ends.push(() => clearInterval(alive));
    if (repl !== undefined) this.#converse(repl).then(resolve, reject);
    // The time of --for begins when the commands have ended.
    const lifeMs = this.#settings.for ?? (this.#lines.length > 0 ? 0 : undefined);
    let ended = false;
    ran.then(() => {
      if (lifeMs === undefined || ended) return;
      const timer = setTimeout(resolve, lifeMs);
      ends.push(() => clearTimeout(timer));
    }, reject);
    try {
      await promise;
    } finally {
      ended = true;
      for (const end of ends) end();
    }
  }

  async #runLines(mesh: Mesh, gate: Gate, signal: AbortSignal): Promise<void> {
    if (this.#lines.length === 0) return;
    const line = localLine(mesh, this.#face.commands, { gate, caller: ownerOf("run") });
    this.#failed = await runLines(this.#face, line, this.#lines, signal);
  }

  /** Resolves when the end of the REPL is the end of the mesh; otherwise never. */
  async #converse(repl: Repl): Promise<void> {
    if (this.#typed) {
      say(this.#face, "help lists commands; .exit or Ctrl-D stops this mesh");
    }
    await repl.run();
    if (this.#typed) return;
    // Whoever piped the commands has finished. Not so the clock of --for; and /dev/null never began.
    if (this.#settings.for === undefined && this.#face.stdinEnds) return;
    await new Promise(() => {});
  }

  async #drain(mesh: Mesh): Promise<void> {
    const { drain } = this.#settings;
    const sentence = `stopping: up to ${formatDuration(drain)} for work under way`;
    say(this.#face, this.#typed ? `${sentence}; Ctrl-C stops at once` : sentence);
    const { promise: late, reject } = new Deferred<never>();
    const timer = setTimeout(() => {
      const over = formatDuration(drain + STOP_GRACE_MS);
      reject(new ConsoleError("CONSOLE_STOP", `the mesh has not stopped within ${over}`));
    }, drain + STOP_GRACE_MS);
    try {
      await Promise.race([mesh.stop({ deadlineMs: drain }), late]);
      say(this.#face, "stopped");
    } finally {
      clearTimeout(timer);
    }
  }

  /** Tells of workers that come and go. */
  #tellOf(mesh: Mesh, tell: (sentence: string) => void): () => void {
    const forgets = [
      mesh.on("reload", (result) => tell(renderReload(result, paint(false)))),
      mesh.on("threat", ({ id, kind, subject, state, responses }) => {
        const done = responses.at(-1);
        const what = state === "open" ? (done ?? "found") : state;
        tell(`${id}: ${kind} of ${tame(subject)}: ${tame(what)}`);
      }),
      mesh.on("workerLost", ({ worker, reason }) => tell(`${worker} lost: ${reason}`)),
      mesh.on("workerBack", ({ worker, afterMs, redelivered }) => {
        tell(
          `${worker} back after ${formatDuration(afterMs)}, ` +
            `${formatNumber(redelivered)} messages delivered again`,
        );
      }),
    ];
    return () => {
      for (const forget of forgets) forget();
    };
  }

  /** A log on the screen would be written through what is being typed. */
  #logFile(): string | undefined {
    const { logFile, data } = this.#settings;
    return logFile ?? (this.#typed ? join(data, "mesh.log") : undefined);
  }
}

/** What the mesh went on with; undefined when it began anew. */
function restoredLine({ journal }: Mesh): string | undefined {
  const restored = journal?.status().restored;
  if (restored === undefined) return undefined;
  const { agents, messages, operations, elapsedMs } = restored;
  if (agents + messages + operations === 0) return undefined;
  return (
    `restored ${formatNumber(agents)} agents, ${formatNumber(messages)} messages, ` +
    `${formatNumber(operations)} operations in ${formatDuration(elapsedMs)}`
  );
}

/** What a mesh has of the one that it starts from, and what not. */
function thawedSentence({ takenMs, snapshots, messages, operations }: Cut, agents: number): string {
  const anew = agents - snapshots.length;
  const parts = [
    `thawed as of ${formatMoment(takenMs)}: ${formatNumber(snapshots.length)} states`,
    `${formatNumber(messages.length)} messages`,
  ];
  if (anew > 0) parts.push(`${formatNumber(anew)} agents without snapshot begin anew`);
  if (operations.length > 0)
    parts.push(`${formatNumber(operations.length)} parts of operations do not go on`);
  return parts.join(", ");
}
