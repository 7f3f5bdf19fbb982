import { assert, describe, test } from "vitest";
import { isRequired, type MeshCommand } from "../command/command.ts";
import { COMMANDS } from "../commands.ts";
import { openapiOf } from "./openapi.ts";

type Json = { readonly [key: string]: unknown };

const commands = COMMANDS.filter((command): command is MeshCommand => command.needs === "mesh");
const document = openapiOf(commands) as Json;
const paths = document.paths as Record<string, Record<string, Operation>>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Json;
  }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly responses: Record<string, { readonly description: string }>;
  readonly security?: readonly Json[];
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const TYPES = ["string", "number", "integer", "boolean", "array", "object", "null"];

/** What JSON Schema 2020-12 says of the keywords that are used here. */
function checkSchema(schema: unknown, at: string): void {
  assert.isObject(schema, at);
  for (const [key, value] of Object.entries(schema as Json)) {
    const here = `${at}/${key}`;
    switch (key) {
      case "type":
        for (const type of [value].flat()) assert.include(TYPES, type, here);
        break;
      case "properties":
        for (const [name, inner] of Object.entries(value as Json))
          checkSchema(inner, `${here}/${name}`);
        break;
      case "items":
        checkSchema(value, here);
        break;
      case "additionalProperties":
        assert.isBoolean(value, here);
        break;
      case "required":
      case "enum":
        assert.isArray(value, here);
        break;
      case "pattern":
        assert.doesNotThrow(() => new RegExp(String(value), "u"), here);
        break;
      case "minimum":
      case "maximum":
      case "minLength":
      case "minItems":
      case "maxItems":
        assert.isNumber(value, here);
        break;
      case "description":
      case "$schema":
        assert.isString(value, here);
        break;
      default:
        assert.fail(`${here}: not a keyword that is used here`);
    }
  }
}

describe("the OpenAPI document", () => {
  test("is one of version 3.1, and JSON", () => {
    assert.equal(document.openapi, "3.1.0");
    assert.containsAllKeys(document.info, ["title", "version"]);
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });

  test("has paths and operations as the specification has them, each with its own id", () => {
    const ids = new Set<string>();
    for (const [path, item] of Object.entries(paths)) {
      assert.match(path, /^\//);
      for (const [method, operation] of Object.entries(item)) {
        assert.include(METHODS, method, path);
        assert.isFalse(ids.has(operation.operationId), operation.operationId);
        ids.add(operation.operationId);
        assert.isNotEmpty(operation.summary);
        for (const [status, { description }] of Object.entries(operation.responses)) {
          assert.match(status, /^[1-5]\d\d$/);
          assert.isNotEmpty(description);
        }
        const names = (operation.parameters ?? []).map(({ name }) => name);
        assert.equal(new Set(names).size, names.length, path);
      }
    }
  });

  test("all references lead somewhere", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
    assert.isNotEmpty(references);
    for (const [, place] of references) {
      const found = place.split("/").reduce<unknown>((at, key) => (at as Json)?.[key], document);
      assert.isDefined(found, place);
    }
    const schemes = (document.components as Json).securitySchemes as Json;
    for (const item of Object.values(paths))
      for (const { security = [] } of Object.values(item))
        for (const need of security) assert.containsAllKeys(schemes, Object.keys(need));
  });

  for (const command of commands) {
    test(`${command.name}: its arguments are those of the command`, () => {
      const item = paths[`/v1/commands/${command.name}`];
      assert.hasAllKeys(item, command.changes ? ["post"] : ["get", "post"]);
      const schema = item.post.requestBody?.content["application/json"].schema ?? assert.fail();
      checkSchema(schema, command.name);
      assert.hasAllKeys({ ...(schema.properties as Json), _: 0 }, [
        ...Object.keys(command.parameters),
        "_",
      ]);
      const needed = Object.entries(command.parameters)
        .filter(([, parameter]) => isRequired(parameter))
        .map(([name]) => name);
      assert.sameMembers((schema.required ?? []) as string[], needed);
      if (command.changes) return;
      for (const { name, required, schema: one, in: place } of item.get.parameters ?? []) {
        assert.equal(place, "query");
        assert.equal(required, needed.includes(name));
        checkSchema(one, name);
      }
    });
  }
});
