import { assert, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { MAX_SECTORS, metricsOf } from "./metrics.ts";
import { MetricsText } from "./metrics-text.ts";

interface Family {
  readonly type: string;
  readonly samples: Map<string, number>;
}

/** Reads the text format as strictly as a scraper may; throws with the line that is wrong. */
function parse(text: string): Map<string, Family> {
  assert.isTrue(text.endsWith("\n"));
  const families = new Map<string, Family>();
  let helped = "";
  let current: [name: string, family: Family] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP ([a-z_][a-z0-9_]*) (.+)$/.exec(line);
    const type = /^# TYPE ([a-z_][a-z0-9_]*) (gauge|counter|histogram)$/.exec(line);
    if (help !== null) {
      [, helped] = help;
      assert.isFalse(families.has(helped), `${helped} comes twice`);
    } else if (type !== null) {
      assert.equal(type[1], helped);
      current = [type[1], { type: type[2], samples: new Map() }];
      families.set(...current);
    } else {
      const match =
        /^([a-z_][a-z0-9_]*)(\{(?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/.exec(
          line,
        );
      if (match === null || current === undefined) throw new Error(`not a sample: ${line}`);
      const [, name, labels = "", value] = match;
      const [family, { type: kind, samples }] = current;
      const names =
        kind === "histogram" ? ["_bucket", "_sum", "_count"].map((s) => family + s) : [family];
      assert.include(names, name);
      assert.isFalse(samples.has(name + labels), `${line} comes twice`);
      const number = value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
      assert.isNotNaN(number, line);
      samples.set(name + labels, number);
    }
  }
  return families;
}

describe("the metrics of a mesh", () => {
  test("can be read, and say what the mesh says", () => {
    const fake = new FakeMesh();
    fake.status_ = { mode: "DEGRADED_LIGHT", conflictsLastHour: 3 };
    fake.circuits.trip("sector-1/cluster-1");
    const families = parse(metricsOf(fake.mesh));
    const value = (name: string): number | undefined =>
      families.get(name.split("{")[0])?.samples.get(name);
    assert.equal(value('mesh_agents{state="active"}'), 24);
    assert.equal(value("mesh_agents_expected"), 24);
    assert.equal(value('mesh_mode{mode="DEGRADED_LIGHT"}'), 1);
    assert.equal(value('mesh_mode{mode="FULL"}'), 0);
    assert.equal(value('mesh_breakers{level="cluster",state="OPEN"}'), 1);
    assert.equal(value('mesh_breakers{level="sector",state="OPEN"}'), 0);
    assert.equal(value("mesh_conflicts_last_hour"), 3);
    assert.equal(value('mesh_messages_total{what="dead_lettered"}'), 0);
    assert.equal(value('mesh_dead_letters_total{reason="expired"}'), 2);
    assert.equal(value("mesh_messages_in_flight"), 10);
    assert.equal(value('mesh_restarts_total{of="agent"}'), 1);
    assert.equal(value('mesh_worker_up{worker="worker-2"}'), 0);
    assert.equal(value('mesh_worker_turn_seconds{worker="worker-2"}'), 3.2);
    assert.equal(value("mesh_mailbox_messages"), 0 + 1 + 2);
    assert.equal(value('mesh_sector_mailbox_messages{sector="sector-3"}'), 2);
    assert.equal(value("mesh_uptime_seconds"), 61);
    assert.equal(value('mesh_kpi{kpi="coordination_success_rate",unit="share"}'), 199 / 200);
    assert.equal(value('mesh_kpi_target{kpi="cascade_latency_p95",unit="seconds"}'), 1);
    assert.equal(value('mesh_kpi_met{kpi="coordination_success_rate"}'), 1);
    assert.isUndefined(value('mesh_kpi_met{kpi="recovery_time"}'));
  });

  test("arrival errors are a histogram: buckets rise to the count", () => {
    const fake = new FakeMesh();
    fake.live.arrivalErrorsMs = [0.5, 30, 30, 70, 9_000];
    const { samples } =
      parse(metricsOf(fake.mesh)).get("mesh_arrival_error_seconds") ?? assert.fail();
    const buckets = [...samples].filter(([name]) => name.includes("_bucket"));
    const bounds = buckets.map(([name]) => /le="(.*)"/.exec(name)?.[1]);
    assert.include(bounds, "0.05");
    assert.equal(bounds.at(-1), "+Inf");
    for (let i = 1; i < buckets.length; i++) assert.isAtLeast(buckets[i][1], buckets[i - 1][1]);
    assert.equal(samples.get('mesh_arrival_error_seconds_bucket{le="0.05"}'), 3);
    assert.equal(samples.get('mesh_arrival_error_seconds_bucket{le="+Inf"}'), 5);
    assert.equal(samples.get("mesh_arrival_error_seconds_count"), 5);
    assert.closeTo(samples.get("mesh_arrival_error_seconds_sum") ?? 0, 9.1305, 1e-9);
  });

  test("their number does not grow with the agents, nor beyond a bound with the sectors", () => {
    const lines = (sectors: number, agentsPerCluster: number): number =>
      metricsOf(
        new FakeMesh({ agent: "", topology: { sectors, clustersPerSector: 1, agentsPerCluster } })
          .mesh,
      ).split("\n").length;
    assert.equal(lines(3, 1), lines(3, 100));
    assert.isBelow(lines(MAX_SECTORS + 1, 1), lines(3, 1));
    assert.isBelow(lines(MAX_SECTORS, 1), 4 * MAX_SECTORS);
  });
});

test("labels are escaped, and what has no value is left out", () => {
  const text = new MetricsText();
  text.family("mesh_a", "gauge", "A.", [
    [{ what: 'a "b"\\c\nd' }, 1],
    [{ what: "none" }, undefined],
  ]);
  text.one("mesh_b", "counter", "B.", undefined);
  assert.equal(
    text.toString(),
    '# HELP mesh_a A.\n# TYPE mesh_a gauge\nmesh_a{what="a \\"b\\"\\\\c\\nd"} 1\n',
  );
  parse(text.toString());
});
