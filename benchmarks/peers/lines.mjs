// The loop that serves a side written in JavaScript: the counterpart of serve.py, which says what
// the requests and answers are.

import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Missing extends Error {}

export const row = (number) => {
  const id = `row-${String(number).padStart(8, "0")}`;
  return { id, name: `name ${number}`, rank: number, text: "the quick brown fox jumps over the lazy dog" };
};

export const jsonFile = (leaves, changed = -1, value = 0) => {
  const values = {};
  for (let start = 0; start < leaves; start += 10) {
    const group = (values[`group ${start}`] = {});
    for (let number = start; number < Math.min(start + 10, leaves); number++)
      group[`key ${number}`] = number === changed ? `changed to ${value}` : `value ${number}`;
  }
  return Buffer.from(JSON.stringify(values, null, 2));
};

export const csvFile = (records, seed = 0) => {
  const lines = Array.from({ length: records }, (_, n) => `${seed}-${n},name ${n},${n}`);
  return Buffer.from(["id,name,rank", ...lines, ""].join("\n"));
};

export const smallFile = (number) => Buffer.from(String(number).padStart(1024, " "));

// An action: `call` is timed with what the untimed `setup` returned.
export const action = (call, setup = () => undefined) => ({ call, setup });
export const figure = (call) => ({ call, setup: () => undefined, figure: true });

const now = {
  wall: () => performance.now() / 1000,
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
};

export const serve = async (side) => {
  // Answers alone go to standard output; whatever a library prints goes to standard error.
  const answerLine = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const directory = mkdtempSync(join(tmpdir(), "compare-"));
  let prepared = "";
  let actions = {};
  let count = 0;
  const requests = {
    describe: () => side.describe(),
    async prepare({ fixture, scale, place }) {
      if (prepared === `${fixture} ${place}`) return {};
      await requests.forget();
      count += 1;
      const path = place === "file" ? join(directory, String(count)) : null;
      if (path) mkdirSync(path);
      await side.prepare(fixture, scale, path);
      prepared = `${fixture} ${place}`;
      return {};
    },
    async run({ operation, times, clock }) {
      if (!side.operations[operation]) throw new Missing("it has nothing of the kind");
      const { call, setup, figure } = (actions[operation] ??= await side.operations[operation]());
      const samples = [];
      for (let n = 0; n < times; n++) {
        const argument = await setup();
        const start = now[clock]();
        const result = await call(argument);
        samples.push(figure ? result : now[clock]() - start);
      }
      return { samples };
    },
    async forget() {
      prepared = "";
      actions = {};
      await side.close();
      return {};
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const request = JSON.parse(line);
      answer = await requests[request.do](request);
    } catch (error) {
      const kind = error instanceof Missing ? "missing" : "failed";
      answer = { [kind]: String(error.message ?? error).slice(0, 500) };
    }
    answerLine(JSON.stringify(answer) + "\n");
  }
  await side.close();
  rmSync(directory, { recursive: true, force: true });
  process.exit(0);
};
