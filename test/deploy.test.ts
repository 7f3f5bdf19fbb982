// What lies in deploy/ and docs/mesh-30k.service, checked as far as it can be without the clusters that it is for: that
// it is well-formed, that what it names is there, and that what it tells mesh-30k is something that mesh-30k takes.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, assert, describe, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { readConfig } from "../console/command/config.ts";
import { flagOf, SETTINGS, variableOf } from "../console/command/settings.ts";
import { COMMANDS } from "../console/commands.ts";
import { openapiOf } from "../console/http/openapi.ts";
import { STORE_PASSWORD } from "../runtime/plan/store-plan.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mesh-deploy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
// biome-ignore lint/suspicious/noExplicitAny: documents of others' schemas, of which the tests ask what they need
type Any = any;

function yaml(path: string): Any[] {
  return parseAllDocuments(read(path), { merge: true }).map((document) => {
    assert.isEmpty(document.errors, path);
    assert.isEmpty(document.warnings, path);
    return document.toJS();
  });
}

/** Variables that are no settings. */
const OTHER_VARIABLES = [
  STORE_PASSWORD,
  "MESH_JOIN_PASSWORD",
  "MESH_KEYS_PASSPHRASE",
  "MESH_KEYS_FILE",
  "MESH_CONFIG",
];
const KEYS = Object.keys(SETTINGS);
const VARIABLES = new Set([...KEYS.map(variableOf), ...OTHER_VARIABLES]);
const PATHS = Object.keys((openapiOf([]) as { paths: object }).paths);

/** Fails unless mesh-30k has this command with these flags. */
function mustBeWords([name, ...words]: readonly string[]): void {
  const command = COMMANDS.find((one) => one.name === name);
  assert.isDefined(command, `no command ${name}`);
  const flags = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2));
  const known = [...Object.keys(command?.parameters ?? {}).map(flagOf), "json", "help"];
  for (const flag of flags) assert.include(known, flag.split("=")[0], name);
}

function mustBeVariables(names: readonly string[]): void {
  for (const name of names.filter((one) => one.startsWith("MESH_")))
    assert.isTrue(VARIABLES.has(name), name);
}

describe("the image", () => {
  interface Instruction {
    readonly word: string;
    readonly rest: string;
    readonly stage: number;
  }

  function instructions(): Instruction[] {
    const joined = read("deploy/Dockerfile")
      .replace(/^\s*#.*\n/gm, "")
      .replace(/\\\n\s*/g, " ");
    let stage = -1;
    return joined
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [, word, rest] = /^([A-Z]+) (.+)$/.exec(line) as unknown as string[];
        if (word === "FROM") stage++;
        return { word, rest, stage };
      });
  }

  const all = instructions();
  const last = all.filter(({ stage }) => stage === all[all.length - 1].stage);
  const of = (word: string): string[] =>
    last.filter((one) => one.word === word).map(({ rest }) => rest);
  const ignored = read("deploy/Dockerfile.dockerignore").split("\n").filter(Boolean);

  test("consists of instructions that Docker knows, each base image of a fixed line", () => {
    const known =
      "FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split(
        " ",
      );
    for (const { word } of all) assert.include(known, word);
    const bases = all.filter(({ word }) => word === "FROM");
    assert.lengthOf(bases, 3);
    for (const { rest } of bases) assert.match(rest, /node:2\d-bookworm-slim( AS \w+)?$/);
    const engines = JSON.parse(read("package.json")).engines.node as string;
    assert.isAtLeast(
      Number(/node:(\d+)/.exec(bases[2].rest)?.[1]),
      Number(/\d+/.exec(engines)?.[0]),
    );
  });

  test("copies what is there, and nothing of what the build does not see", () => {
    const stages = all.flatMap(({ word, rest }) =>
      word === "FROM" ? (/ AS (\w+)$/.exec(rest)?.[1] ?? []) : [],
    );
    for (const { rest } of all.filter(({ word }) => word === "COPY")) {
      const from = /^--from=(\w+) /.exec(rest)?.[1];
      if (from !== undefined) assert.include(stages, from);
      const sources = rest
        .replace(/^--from=\w+ /, "")
        .split(" ")
        .slice(0, -1);
      for (const source of sources) {
        const path = source.replace(/^\/(src|app)\//, "");
        // Made by the steps before.
        if (path === "dist" || path.endsWith("node_modules")) continue;
        assert.isTrue(existsSync(join(ROOT, path)), source);
        if (path !== ".") assert.notInclude(ignored, path.split("/")[0], source);
      }
    }
    for (const path of [
      "console",
      "runtime",
      "dashboard",
      "scripts",
      "tsconfig.build.json",
      "examples",
    ])
      assert.notInclude(ignored, path);
  });

  test("has the packages that join nodes and serve MCP, as they are tested here", () => {
    const { devDependencies } = JSON.parse(read("package.json"));
    const added = all.flatMap(({ rest }) => [...rest.matchAll(/(@[\w-]+\/[\w-]+)@([\d.]+)/g)]);
    assert.isAtLeast(added.length, 3);
    for (const [, name, version] of added) assert.equal(version, devDependencies[name], name);
  });

  test("runs mesh-30k, not as root, with settings that it has, and takes SIGTERM itself", () => {
    assert.deepEqual(of("USER"), ["1000:1000"]);
    assert.deepEqual(of("STOPSIGNAL"), ["SIGTERM"]);
    const [entry, command] = [of("ENTRYPOINT"), of("CMD")].map(([json]) => JSON.parse(json));
    assert.deepEqual(entry, ["node", "/app/runtime/index.js"]);
    mustBeWords(command);
    const variables = of("ENV").flatMap((rest) =>
      [...rest.matchAll(/(\w+)=/g)].map(([, name]) => name),
    );
    mustBeVariables(variables);
    const env = Object.fromEntries(
      of("ENV").flatMap((rest) =>
        rest
          .trim()
          .split(/\s+/)
          .map((pair) => pair.split("=")),
      ),
    );
    const { settings } = readConfig({ flags: {}, env, cwd: folder });
    assert.equal(settings.data, of("VOLUME")[0]);
    assert.equal(String((settings.http as { port: number }).port), of("EXPOSE")[0]);
    assert.isTrue(settings.httpTokenFile?.startsWith(`${settings.data}/`));
  });

  test("its health check tells a mesh that answers from one that does not", async () => {
    const [, json] = /CMD (\[.*\])$/.exec(of("HEALTHCHECK")[0]) as unknown as string[];
    const [program, ...args] = JSON.parse(json) as string[];
    assert.equal(program, "node");
    let status = 200;
    let asked = "";
    const server = createServer((request, response) => {
      asked = String(request.url);
      response.writeHead(status).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const check = (): Promise<number | null> =>
      new Promise((resolve) => {
        const changed = args.map((arg) => arg.replace("127.0.0.1:7300", `127.0.0.1:${port}`));
        spawn(process.execPath, changed, { stdio: "ignore" }).on("exit", resolve);
      });
    assert.equal(await check(), 0);
    assert.include(PATHS, asked);
    status = 503;
    assert.equal(await check(), 1);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await check(), 1);
  });
});

/** The variables as Compose would give them, with its `${A:-b}`, `${A:+b}` and `${A:?c}`. */
function environmentOf(given: Record<string, unknown>, joined: string): Record<string, string> {
  const file = join(folder, "any.pem");
  writeFileSync(file, "");
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const [, kind, other] = /^\$\{\w+:([-+?])(.*)\}$/.exec(String(value)) ?? [];
      if (kind === undefined) return [name, String(value)];
      const filled = kind === "?" ? "secret" : kind === "-" ? joined : joined && other;
      return [name, filled.startsWith("/certs/") ? file : filled];
    }),
  );
}

describe("the compose file", () => {
  const [compose] = yaml("deploy/compose.yaml");
  const services = Object.entries(compose.services as Record<string, Any>);

  test("names what is there: services, volumes, files, and settings of mesh-30k", () => {
    const { mesh } = compose.services;
    assert.isTrue(existsSync(join(ROOT, "deploy", mesh.build.context, mesh.build.dockerfile)));
    for (const [, node] of services.filter(([, { image }]) => image === mesh.image)) {
      mustBeVariables(Object.keys(node.environment));
      for (const joined of ["", "tls://nats:4222"]) {
        const { settings } = readConfig({
          flags: {},
          env: environmentOf(node.environment, joined),
          cwd: folder,
        });
        assert.equal(settings.join, joined || undefined);
        assert.equal(settings.nodes, joined ? 2 : undefined);
        const { hostname } = new URL(String(settings.store));
        assert.include(Object.keys(compose.services), hostname);
        if (joined) assert.property(compose.services, new URL(joined).hostname);
      }
      for (const name of Object.keys(node.depends_on))
        assert.isDefined(compose.services[name].healthcheck, name);
    }
    const names = services.flatMap(([, { environment }]) => environment?.MESH_NODE ?? []);
    assert.lengthOf(new Set(names), 2);
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes as string[]) {
        const [from] = volume.split(":");
        if (!from.startsWith(".")) assert.property(compose.volumes, from, name);
        // What `certs` makes is not in the repository.
        else if (from !== "./certs") assert.isTrue(existsSync(join(ROOT, "deploy", from)), from);
      }
    }
  });

  test("has no password in it, shows nothing to other machines that has none, and pins every image", () => {
    for (const [name, { environment = {}, image, ports = [] }] of services) {
      for (const [variable, value] of Object.entries(environment as Record<string, string>))
        if (/PASSWORD/.test(variable)) assert.match(value, /^\$\{\w+:\?/, `${name} ${variable}`);
      if (image !== "mesh-30k") assert.match(image, /:\d/, name);
      // Only nats, which asks for a certificate, is open.
      for (const port of ports) if (name !== "nats") assert.match(port, /^127\.0\.0\.1:/);
    }
  });

  test("its scripts are what a shell and the store can read", () => {
    const checked = spawnSync("sh", ["-n", join(ROOT, "deploy/postgres-init.sh")], {
      encoding: "utf8",
    });
    assert.equal(checked.status, 0, checked.stderr);
    const init = read("deploy/postgres-init.sh");
    const { volumes, environment } = compose.services.postgres;
    const sql = /-f (\S+\.sql)/.exec(init)?.[1];
    assert.isTrue(volumes.some((volume: string) => volume.split(":")[1] === sql));
    for (const [, name] of init.matchAll(/\$\{?([A-Z_]+)/g)) assert.property(environment, name);
    const user = new URL(compose.services.mesh.environment.MESH_STORE).username;
    assert.include(init, `ALTER ROLE ${user} LOGIN`);
  });
});

describe("the Kubernetes manifest", () => {
  const documents = yaml("deploy/kubernetes.yaml");
  const kind = (name: string): Any => documents.find((one) => one.kind === name);
  const { spec } = kind("StatefulSet");
  const pod = spec.template.spec;
  const [container] = pod.containers;

  test("its parts belong together", () => {
    for (const one of documents) {
      assert.isString(one.apiVersion);
      if (one.kind !== "Namespace")
        assert.equal(one.metadata.namespace, kind("Namespace").metadata.name);
    }
    assert.deepInclude(spec.template.metadata.labels, spec.selector.matchLabels);
    assert.deepInclude(spec.template.metadata.labels, kind("Service").spec.selector);
    assert.equal(spec.serviceName, kind("Service").metadata.name);
    const volumes = [
      ...pod.volumes,
      ...spec.volumeClaimTemplates.map(({ metadata }: Any) => metadata),
    ];
    for (const { name } of container.volumeMounts)
      assert.include(
        volumes.map((one: Any) => one.name),
        name,
      );
    const config = pod.volumes.find((one: Any) => one.configMap !== undefined);
    assert.equal(config.configMap.name, kind("ConfigMap").metadata.name);
    for (const { valueFrom } of container.env) {
      if (valueFrom?.secretKeyRef === undefined) continue;
      assert.equal(valueFrom.secretKeyRef.name, kind("Secret").metadata.name);
      assert.property(kind("Secret").stringData, valueFrom.secretKeyRef.key);
    }
    assert.deepEqual(Object.values(kind("Secret").stringData), ["replace-me"]);
  });

  test("tells mesh-30k what it takes, and asks it where it answers", () => {
    mustBeWords(container.args);
    mustBeVariables(container.env.map(({ name }: Any) => name));
    const file = join(folder, "mesh.yaml");
    writeFileSync(file, kind("ConfigMap").data["mesh.yaml"]);
    const { settings } = readConfig({ flags: {}, env: {}, cwd: folder, file });
    const { port } = settings.http as { port: number };
    assert.equal(container.ports[0].containerPort, port);
    const mounted = container.volumeMounts.map(({ mountPath }: Any) => mountPath);
    const path = container.args[container.args.indexOf("--config") + 1] as string;
    assert.isTrue(mounted.some((mount: string) => path.startsWith(`${mount}/`)));
    assert.isTrue(mounted.some((mount: string) => settings.httpTokenFile?.startsWith(`${mount}/`)));
    for (const [probe, path] of [
      ["startupProbe", "/healthz"],
      ["livenessProbe", "/healthz"],
      ["readinessProbe", "/readyz"],
    ] as const) {
      const { httpGet } = container[probe];
      assert.deepEqual(httpGet, { path, port: container.ports[0].name });
      assert.include(PATHS, httpGet.path);
    }
    // It is killed only after it could finish its work.
    assert.isAbove(pod.terminationGracePeriodSeconds * 1000, settings.drain + 10_000);
  });

  test("bounds what it may take and do", () => {
    assert.isTrue(pod.securityContext.runAsNonRoot);
    assert.deepEqual(container.securityContext.capabilities.drop, ["ALL"]);
    assert.isFalse(container.securityContext.allowPrivilegeEscalation);
    assert.isString(container.resources.limits.memory);
    assert.isString(container.resources.requests.cpu);
  });
});

test("systemd takes the unit, and it tells mesh-30k what that has", () => {
  const unit = read("docs/mesh-30k.service");
  const [, program, words] = /^ExecStart=(\S+) \S+runtime\/index\.js (.+)$/m.exec(
    unit,
  ) as unknown as string[];
  mustBeWords(words.split(" "));
  mustBeVariables([...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name]) => name));
  const file = join(folder, "mesh-30k.service");
  writeFileSync(file, unit.replaceAll(program, process.execPath));
  const verified = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
  if (verified.error !== undefined)
    throw new Error(
      `this test needs systemd-analyze: apt-get install systemd (${verified.error.message})`,
    );
  assert.equal(verified.status, 0, verified.stderr);
  assert.equal(verified.stderr.replaceAll(/^.*man(?:ual)? page.*$/gm, "").trim(), "");
});
