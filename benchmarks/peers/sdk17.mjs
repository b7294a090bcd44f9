// @lix-js/sdk 0.17.0. The argument is the directory whose node_modules hold it.

import { createRequire } from "node:module";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Missing, action, csvFile, figure, jsonFile, row, serve, smallFile } from "./lines.mjs";

const home = join(process.argv[2], "node_modules/@lix-js/sdk");
const { openLix, bundledPluginArchives } = await import(pathToFileURL(join(home, "dist/index.js")));

const native = (() => {
  try {
    createRequire(pathToFileURL(join(home, "package.json")))(`@lix-js/sdk-${process.platform}-${process.arch}`);
    return true;
  } catch {
    return false;
  }
})();

const text = { nullable: true, type: "text" };
const SCHEMA = {
  $schema: "https://lix.dev/schema-v1.json",
  key: "bench_row",
  columns: [
    { name: "id", type: "text", nullable: false },
    { name: "name", ...text },
    { name: "rank", type: "int8", nullable: true },
    { name: "text", ...text },
  ],
  primary_key: ["id"],
};
const DOC = "01920000-0000-7000-8000-000000000001";
const BATCH = 100;

let lix, scale, next, facts, storage;
const run = (sql, parameters) => lix.execute(sql, parameters, { rowMode: "array" });
const rows = async (sql, parameters) => (await run(sql, parameters)).rows;
const fresh = (number) => Array.from({ length: number }, () => row(next++));
const values = (each, file) =>
  each.flatMap((r) => [r.id, r.name, r.rank, r.text, ...(file ? [file] : [])]);
const insertion = (number, file) => {
  const width = file ? 5 : 4;
  const marks = Array.from(
    { length: number },
    (_, n) => `(${Array.from({ length: width }, (_, c) => `$${n * width + c + 1}`).join(",")})`,
  );
  return `INSERT INTO bench_row (id, name, rank, text${file ? ", lixcol_file_id" : ""}) VALUES ${marks.join(",")}`;
};
const fill = async (number, file) => {
  const transaction = await lix.beginTransaction();
  for (let left = number; left > 0; left -= BATCH) {
    const batch = fresh(Math.min(BATCH, left));
    await transaction.execute(insertion(batch.length, file), values(batch, file));
  }
  await transaction.commit();
};
const tip = async () =>
  (await rows("SELECT commit_id FROM lix_branch WHERE id = $1", [await lix.activeBranchId()]))[0][0];
const rewrite = (number, turn) =>
  run("UPDATE bench_row SET name = $1 WHERE id = $2", [`turn ${turn}`, row(number).id]);
const keys = () => {
  const number = scale.rows - scale.in_file;
  let n = 0;
  return () => row((n++ * 7919) % number).id;
};
const counter = (start = 0) => {
  let n = start;
  return () => n++;
};
const insertFile = (path, content) =>
  run("INSERT INTO lix_file (path, content) VALUES ($1, $2)", [path, content]);

const open = async (directory) => {
  storage = directory;
  if (!directory) return openLix();
  if (!native) throw new Missing("its native addon does not load here, and only that has files");
  const config = { kind: "filesystem", path: directory, syncAllFiles: false };
  return openLix({ storage: { lixStorage: { version: 1, config, connect() {} } }, durability: "buffered" });
};
const bytes = (directory) =>
  readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? bytes(path) : statSync(path).size);
  }, 0);

const empty = () =>
  run("INSERT INTO lix_registered_schema (value) VALUES ($1)", [JSON.stringify(SCHEMA)]);
const filled = async (number = scale.rows) => {
  await empty();
  await run("INSERT INTO lix_file (id, path, content) VALUES ($1, $2, $3)", [DOC, "/doc.blob", smallFile(0)]);
  await fill(number - scale.in_file);
  await fill(scale.in_file, DOC);
};
const child = async () => {
  await filled();
  const branch = await lix.createBranch({ name: "child" });
  await lix.switchBranch({ branchId: branch.id });
};
const fixtures = {
  empty,
  rows: filled,
  child,
  branched: child,
  async changed() {
    await filled(2 * scale.in_file);
    for (let turn = 0; turn < scale.changes - 1; turn++) await rewrite(0, turn);
  },
  async commits() {
    await filled(2 * scale.in_file);
    const [a, b] = [Math.floor(scale.commits / 3), Math.floor(scale.commits / 2)];
    for (let turn = 0; turn < scale.commits; turn++)
      await rewrite(turn === a || turn === b ? 0 : 1 + (turn % 50), turn);
  },
  async past() {
    await filled();
    facts.commit = await tip();
    for (let turn = 0; turn < scale.past; turn++) await rewrite(turn, turn);
  },
  async diff() {
    await filled();
    const before = await tip();
    const transaction = await lix.beginTransaction();
    for (let n = 0; n < scale.changed; n++)
      await transaction.execute("UPDATE bench_row SET name = $1 WHERE id = $2", ["turn", row(n * scale.stride).id]);
    await transaction.commit();
    facts.commits = [before, await tip()];
  },
  merge: filled,
  async undo() {
    await filled();
    await rewrite(5, 0);
  },
  stored: filled,
  async no_plugins() {},
  async no_files() {
    for (const archive of await bundledPluginArchives())
      await insertFile(`/.lix/plugins/${archive.fileName}`, archive.archiveBytes);
  },
  async files() {
    for (let start = 0; start < scale.files; start += BATCH) {
      const number = Math.min(BATCH, scale.files - start);
      const marks = Array.from({ length: number }, (_, n) => `($${2 * n + 1}, $${2 * n + 2})`);
      const pairs = Array.from({ length: number }, (_, n) => [`/docs/file-${start + n}.blob`, smallFile(start + n)]);
      await run(`INSERT INTO lix_file (path, content) VALUES ${marks.join(",")}`, pairs.flat());
    }
  },
};

const query = async (sql, parameters = () => []) => {
  if (!(await rows(sql, parameters())).length) throw new Error(`nothing is read by: ${sql}`);
  return action((each) => rows(sql, each), parameters);
};
const write = (number) => () => {
  const sql = insertion(number);
  return action((each) => run(sql, each), () => values(fresh(number)));
};
const inserting = (suffix, make) => () => {
  const number = counter();
  return action(([path, content]) => insertFile(path, content), () => {
    const n = number();
    return [`/new-${n}.${suffix}`, make(n)];
  });
};
const pointRead = () => {
  const key = keys();
  return query("SELECT name, rank, text FROM bench_row WHERE id = $1", () => [key()]);
};
const countAll = () => query("SELECT count(*) FROM bench_row");
const history = () =>
  query(
    "SELECT lixcol_to_commit_id, to_name, to_rank, to_text FROM lix_history('bench_row') WHERE id = $1",
    () => [row(0).id],
  );

const operations = {
  write_1: write(1),
  write_10: write(10),
  write_100: write(100),
  bulk: () => action(() => fill(scale.bulk)),
  point_read: pointRead,
  count_file: () => query("SELECT count(*) FROM bench_row WHERE lixcol_file_id = $1", () => [DOC]),
  scan: () => query("SELECT * FROM bench_row"),
  count: countAll,
  filter_property: () => query("SELECT count(*) FROM bench_row WHERE name = 'name 77'"),
  update_1() {
    const [key, number] = [keys(), counter()];
    return action(
      (each) => run("UPDATE bench_row SET name = $1 WHERE id = $2", each),
      () => [`changed ${number()}`, key()],
    );
  },
  delete_1() {
    const key = keys();
    return action((id) => run("DELETE FROM bench_row WHERE id = $1", [id]), key);
  },
  branch() {
    const number = counter();
    return action((name) => lix.createBranch({ name }), () => `branch ${number()}`);
  },
  child_write: () =>
    action(
      async (each) => {
        await run(insertion(1), each);
        await rows("SELECT name, rank, text FROM bench_row WHERE id = $1", [each[0]]);
      },
      () => values(fresh(1)),
    ),
  branched_read: pointRead,
  branched_count: countAll,
  history_100: history,
  history_3: history,
  // A relation's arguments must be literals.
  diff: () =>
    query(
      `SELECT id, diff_type, from_name, to_name FROM lix_diff('bench_row', '${facts.commits[0]}', '${facts.commits[1]}')`,
    ),
  past_scan: () => query(`SELECT * FROM lix_as_of('bench_row', '${facts.commit}')`),
  past_read() {
    const key = keys();
    return query(`SELECT name, rank, text FROM lix_as_of('bench_row', '${facts.commit}') WHERE id = $1`, () => [key()]);
  },
  async merge() {
    const main = await lix.activeBranchId();
    const number = counter();
    const change = async (first, turn) => {
      const transaction = await lix.beginTransaction();
      for (let n = first; n < first + scale.changed; n++)
        await transaction.execute("UPDATE bench_row SET name = $1 WHERE id = $2", [`round ${turn}`, row(n).id]);
      await transaction.commit();
    };
    return action(
      (sourceBranchId) => lix.mergeBranch({ sourceBranchId }),
      async () => {
        const turn = number();
        const source = await lix.createBranch({ name: `source ${turn}` });
        await lix.switchBranch({ branchId: source.id });
        await change(scale.changed, turn);
        await lix.switchBranch({ branchId: main });
        await change(0, turn);
        return source.id;
      },
    );
  },
  undo_redo: () =>
    action(async () => {
      await lix.undo();
      await lix.redo();
    }),
  json_alone: inserting("json", (n) => jsonFile(120, 7, n)),
  json_other: inserting("blob", (n) => jsonFile(120, 7, n)),
  csv_records: inserting("csv", (n) => csvFile(120, n)),
  insert_file: inserting("blob", smallFile),
  read_path() {
    const number = counter();
    return query("SELECT content FROM lix_file WHERE path = $1", () => [
      `/docs/file-${(number() * 7919) % scale.files}.blob`,
    ]);
  },
  list_paths: () => query("SELECT path FROM lix_file"),
  async open() {
    await lix.close();
    return action(async () => {
      lix = await open(storage);
      await rows("SELECT name FROM bench_row WHERE id = $1", [row(7).id]);
      await lix.close();
    });
  },
  size: () => figure(() => bytes(storage) / 1e6),
  growth: () =>
    figure(async () => {
      const before = bytes(storage);
      const number = scale.changes * 5;
      for (let n = 0; n < number; n++) await run(insertion(1), values(fresh(1)));
      return (bytes(storage) - before) / number / 1e3;
    }),
};

await serve({
  operations,
  describe: () => ({
    version: "0.17.0",
    notes: [
      native ? "native addon; on file: durability buffered" : "native addon does not load: WebAssembly",
    ],
  }),
  async prepare(fixture, sizes, directory) {
    if (!fixtures[fixture]) throw new Missing("it has nothing of the kind");
    scale = sizes;
    next = 0;
    facts = {};
    lix = await open(directory);
    await fixtures[fixture]();
  },
  async close() {
    await lix?.close().catch(() => undefined);
    lix = undefined;
  },
});
