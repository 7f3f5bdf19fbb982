// Writes deploy/postgres-tables.sql from the schema in the code: npm run tables
import { writeFileSync } from "node:fs";
import { schemaSql } from "../runtime/conflicts/postgres-schema.ts";

writeFileSync(new URL("../deploy/postgres-tables.sql", import.meta.url), schemaSql());
