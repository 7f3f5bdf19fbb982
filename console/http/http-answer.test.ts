import { assert, describe, test } from "vitest";
import {
  InvalidOptionError,
  MeshError,
  MeshStoppedError,
  PayloadTooLargeError,
  UndeliverableError,
  UnknownActorError,
} from "../../actors/errors.ts";
import { UsageError } from "../terminal/exit.ts";
import { errorDocument, HttpError, statusOf } from "./http-answer.ts";

const PARAMETERS = ["address", "readyBy", "id", "noHold"];

describe("an error", () => {
  const cases: readonly [name: string, error: unknown, status: number, field?: string][] = [
    ["of the usage, with its field", new UsageError("x: limit: no", "x", "limit"), 400, "limit"],
    ["of the usage that names a place", new UsageError("inbox: show needs an <id>"), 400, "id"],
    ["of the usage that names a flag", new UsageError("expected --no-hold"), 400, "noHold"],
    ["of the usage that names a stranger", new UsageError("expected --else"), 400],
    ["of an option", new InvalidOptionError("windowMs", -1, "0 or more"), 400, "windowMs"],
    [
      "whose sentence begins with an argument",
      new MeshError("MESH_X", "readyBy: no"),
      409,
      "readyBy",
    ],
    ["of an address that nobody has", new UnknownActorError("s", "an address"), 404, "address"],
    ["of a thing that is not there", new MeshError("MESH_NO_ITEM", "none"), 404, "id"],
    ["of what is not held", new MeshError("MESH_NOT_QUARANTINED", "none"), 404, "id"],
    ["of what cannot be taken back", new MeshError("CONSOLE_NO_INVERSE", "undo: no"), 409],
    ["of what cannot be done now", new UndeliverableError("a", "stopped"), 409],
    ["of a message that is too long", new PayloadTooLargeError(9, 1), 413],
    ["of too much at once", new MeshError("MESH_TOO_MANY_OPERATIONS", "x"), 429],
    ["of a mesh that has stopped", new MeshStoppedError(), 503],
    ["that nobody expected", new Error("boom"), 500],
    ["that is none", "boom", 500],
    ["of HTTP", new HttpError(418, "X", "address: teapot"), 418],
  ];
  for (const [name, error, status, field] of cases) {
    test(`${name}: ${status}, ${field ?? "no field"}`, () => {
      assert.equal(statusOf(error), status);
      const { error: document } = errorDocument(error, PARAMETERS);
      assert.equal(document.field, field);
      assert.isNotEmpty(document.message);
      assert.isNotEmpty(document.code);
    });
  }

  test("keeps its stack to itself", () => {
    assert.notInclude(JSON.stringify(errorDocument(new Error("boom"))), "http-answer.test");
  });
});
