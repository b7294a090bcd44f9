// @lix-js/sdk 0.5.1. The argument is the directory whose node_modules hold it.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Missing, action, jsonFile, row, serve, smallFile } from "./lines.mjs";

// It reports to a service of its maker unless told not to; nothing of the kind may be measured.
globalThis.fetch = () => Promise.reject(new Error("no network while measuring"));

const entry = join(process.argv[2], "node_modules/@lix-js/sdk/dist/index.js");
const { openLix, createVersion, mergeVersion, switchVersion, mockJsonPlugin, selectCommitDiff } =
  await import(pathToFileURL(entry));

const SCHEMA = {
  "x-lix-key": "bench_row",
  "x-lix-version": "1.0",
  "x-lix-primary-key": ["/id"],
  type: "object",
  properties: {
    id: { type: "string" },
    name: { type: "string" },
    rank: { type: "integer" },
    text: { type: "string" },
  },
  required: ["id"],
  additionalProperties: false,
};
const COLUMNS = "entity_id, schema_key, file_id, plugin_key, schema_version, snapshot_content";
const READ = "SELECT snapshot_content FROM state WHERE schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'";
const UPDATE = "UPDATE state SET snapshot_content = ? WHERE schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'";
const BATCH = 100;

let lix, scale, next, facts;
const open = (options) =>
  openLix({
    keyValues: [{ key: "lix_telemetry", value: "off", lixcol_version_id: "global" }],
    ...options,
  });
const run = (sql, parameters = []) => lix.engine.executeSync({ sql, parameters }).rows;
const fresh = (number) => Array.from({ length: number }, () => row(next++));
const values = (each) => each.flatMap((r) => [r.id, JSON.stringify(r)]);
const insertion = (number, file = "lix") => {
  const marks = Array(number).fill(`(?, 'bench_row', '${file}', 'lix_own_entity', '1.0', ?)`);
  return `INSERT INTO state (${COLUMNS}) VALUES ${marks.join(", ")}`;
};
// A transaction of some hundred rows becomes a statement SQLite refuses, so each batch is its own.
const fill = (number, file) => {
  for (let left = number; left > 0; left -= BATCH) {
    const batch = fresh(Math.min(BATCH, left));
    run(insertion(batch.length, file), values(batch));
  }
};
const rewrite = (number, turn) => {
  const { id } = row(number);
  run(UPDATE, [JSON.stringify({ id, name: `turn ${turn}` }), id]);
};
const tip = () =>
  run("SELECT commit_id FROM version WHERE id = (SELECT version_id FROM active_version)")[0].commit_id;
const keys = () => {
  const number = scale.rows - scale.in_file;
  let n = 0;
  return () => row((n++ * 7919) % number).id;
};
const counter = (start = 0) => {
  let n = start;
  return () => n++;
};
const insertFile = ([path, data]) => run("INSERT INTO file (path, data) VALUES (?, ?)", [path, data]);

const empty = () => lix.db.insertInto("stored_schema").values({ value: SCHEMA }).execute();
// Filling takes minutes, so a filled database is kept and opened again for the next fixture.
const saved = new Map();
const filled = async (number = scale.rows) => {
  if (saved.has(number)) {
    await lix.close();
    lix = await open({ blob: saved.get(number) });
    next = number;
    return;
  }
  await empty();
  fill(number - scale.in_file);
  fill(scale.in_file, "doc");
  if (number === scale.rows) saved.set(number, await lix.toBlob());
};
const child = async () => {
  await filled();
  await switchVersion({ lix, to: await createVersion({ lix, name: "child" }) });
};
const leaves = (number) => () => insertFile(["/leaves.json", jsonFile(number())]);
const fixtures = {
  empty,
  rows: filled,
  child,
  branched: child,
  async inherited() {
    await filled();
    const parent = await lix.db
      .selectFrom("active_version")
      .innerJoin("version", "version.id", "active_version.version_id")
      .selectAll("version")
      .executeTakeFirstOrThrow();
    await switchVersion({ lix, to: await createVersion({ lix, name: "heir", inheritsFrom: parent }) });
  },
  async changed() {
    await filled(2 * scale.in_file);
    for (let turn = 0; turn < scale.changes - 1; turn++) rewrite(0, turn);
  },
  async commits() {
    await filled(2 * scale.in_file);
    const [a, b] = [Math.floor(scale.commits / 3), Math.floor(scale.commits / 2)];
    for (let turn = 0; turn < scale.commits; turn++)
      rewrite(turn === a || turn === b ? 0 : 1 + (turn % 50), turn);
  },
  async diff() {
    await filled();
    const before = tip();
    run("BEGIN");
    for (let n = 0; n < scale.changed; n++) rewrite(n * scale.stride, 0);
    run("COMMIT");
    facts.commits = [before, tip()];
  },
  merge: filled,
  no_plugins() {},
  no_files() {},
  leaves_120: leaves(() => 120),
  leaves_10000: leaves(() => scale.leaves),
  files() {
    // More in one transaction become a statement SQLite refuses.
    for (let n = 0; n < scale.files; n++) insertFile([`/docs/file-${n}.blob`, smallFile(n)]);
  },
};

const query = (sql, parameters = () => []) => {
  if (!run(sql, parameters()).length) throw new Error(`nothing is read by: ${sql}`);
  return action((each) => run(sql, each), parameters);
};
const write = (number) => () => {
  const sql = insertion(number);
  return action((each) => run(sql, each), () => values(fresh(number)));
};
const inserting = (suffix, make) => () => {
  const number = counter();
  return action(insertFile, () => {
    const n = number();
    return [`/new-${n}.${suffix}`, make(n)];
  });
};
const pointRead = () => {
  const key = keys();
  return query(READ, () => [key()]);
};
const countAll = () => query("SELECT count(*) AS n FROM state WHERE schema_key = 'bench_row'");
const history = () =>
  query(
    "SELECT depth, commit_id, snapshot_content FROM state_history WHERE schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix' AND root_commit_id = ?",
    () => [row(0).id, tip()],
  );
const changeLeaf = (number) => () => {
  const turn = counter(1);
  return action(
    (data) => run("UPDATE file SET data = ? WHERE path = '/leaves.json'", [data]),
    () => jsonFile(number(), Math.floor(number() / 2), turn()),
  );
};

const operations = {
  write_1: write(1),
  write_10: write(10),
  write_100: write(100),
  bulk: () => action(() => fill(scale.bulk)),
  point_read: pointRead,
  count_file: () =>
    query("SELECT count(*) AS n FROM state WHERE file_id = 'doc' AND plugin_key = 'lix_own_entity'"),
  scan: () => query("SELECT * FROM state WHERE schema_key = 'bench_row'"),
  count: countAll,
  filter_property: () =>
    query(
      "SELECT count(*) AS n FROM state WHERE schema_key = 'bench_row' AND json_extract(snapshot_content, '$.name') = 'name 77'",
    ),
  update_1() {
    const [key, number] = [keys(), counter()];
    return action((each) => run(UPDATE, each), () => {
      const id = key();
      return [JSON.stringify({ id, name: `changed ${number()}` }), id];
    });
  },
  delete_1() {
    const key = keys();
    const sql = "DELETE FROM state WHERE schema_key = 'bench_row' AND entity_id = ? AND file_id = 'lix'";
    return action((id) => run(sql, [id]), key);
  },
  branch() {
    const number = counter();
    return action((name) => createVersion({ lix, name }), () => `branch ${number()}`);
  },
  child_write: () =>
    action(
      (each) => {
        run(insertion(1), each);
        run(READ, [each[0]]);
      },
      () => values(fresh(1)),
    ),
  branched_read: pointRead,
  branched_count: countAll,
  inherited_read: pointRead,
  inherited_count: countAll,
  history_100: history,
  history_3: history,
  diff() {
    const [before, after] = facts.commits;
    return action(() =>
      selectCommitDiff({ lix, before, after })
        .where("diff.status", "in", ["added", "modified", "removed"])
        .selectAll()
        .execute(),
    );
  },
  async merge() {
    const number = counter();
    const main = await lix.db
      .selectFrom("active_version")
      .innerJoin("version", "version.id", "active_version.version_id")
      .selectAll("version")
      .executeTakeFirstOrThrow();
    const change = (first, turn) => {
      run("BEGIN");
      for (let n = first; n < first + scale.changed; n++) rewrite(n, turn);
      run("COMMIT");
    };
    return action(
      (source) => mergeVersion({ lix, source }),
      async () => {
        const turn = number();
        const source = await createVersion({ lix, name: `source ${turn}` });
        await switchVersion({ lix, to: source });
        change(scale.changed, turn);
        await switchVersion({ lix, to: main });
        change(0, turn);
        return source;
      },
    );
  },
  json_alone: inserting("json", (n) => jsonFile(120, 7, n)),
  json_other: inserting("blob", (n) => jsonFile(120, 7, n)),
  json_leaves: inserting("json", (n) => jsonFile(120, 7, n)),
  csv_records: () => {
    throw new Missing("it has no CSV plugin");
  },
  leaf_120: changeLeaf(() => 120),
  leaf_10000: changeLeaf(() => scale.leaves),
  insert_file: inserting("blob", smallFile),
  read_path() {
    const number = counter();
    return query("SELECT data FROM file WHERE path = ?", () => [
      `/docs/file-${(number() * 7919) % scale.files}.blob`,
    ]);
  },
  list_paths: () => query("SELECT path FROM file"),
};

await serve({
  operations,
  describe: () => ({
    version: "0.5.1",
    notes: ["WebAssembly, in memory only", "plugin: the mockJsonPlugin it brings", "a transaction holds 100 rows"],
  }),
  async prepare(fixture, sizes, directory) {
    if (directory) throw new Missing("it keeps its database in memory");
    if (!fixtures[fixture]) throw new Missing("it has nothing of the kind");
    scale = sizes;
    next = 0;
    facts = {};
    lix = await open({ providePlugins: fixture === "no_plugins" ? [] : [mockJsonPlugin] });
    await fixtures[fixture]();
  },
  async close() {
    await lix?.close().catch(() => undefined);
    lix = undefined;
  },
});
