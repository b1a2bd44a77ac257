// Calls a served novita-mock with faults, and tells what the Node `openai` makes of each: what
// probe_fault.py does in Python, with the same cases and the same answers.
//
//     node probe_fault.mjs ORIGIN PACKAGE < cases.json > seen.json

import { readFileSync } from "node:fs";

const BASE = "/v3/openai";
const HEADER = "X-Novita-Mock-Fault";
const MESSAGES = [{ role: "user", content: "Hi there!" }];
const MILLISECONDS_AWAY = 20_000;
const MILLISECONDS_MORE = 10_000; // for retries and their pauses
const MOST_TIMES = 8;
const HUNG = ["Hang", "APIConnectionTimeoutError"];

class Hang extends Error {}

const [origin, packageName] = process.argv.slice(2);
const { OpenAI } = await import(packageName);
const { VERSION } = await import(`${packageName}/version`);

// The class of an error. A TypeError of `fetch` says in its message alone what it means.
function named(error) {
  const name = error.constructor.name;
  if (error instanceof OpenAI.APIError) return error.status ? `${name} ${error.status}` : name;
  return name === "TypeError" ? `${name}: ${error.message}` : name;
}

// Adds a chunk to what was seen of a stream, as a careful application reads one.
function note(chunk, seen) {
  seen.chunks += 1;
  const choice = chunk.choices?.[0];
  if (!choice) {
    seen.odd = Array.isArray(chunk.choices) ? "an empty `choices`" : "no `choices`";
    return;
  }
  seen.text += choice.delta.content ?? "";
  seen.finish ??= choice.finish_reason;
}

function noteAnswer(answer, seen) {
  if (!answer?.choices) {
    seen.odd = answer == null ? `\`${answer}\`` : `a \`${typeof answer}\``;
    return;
  }
  seen.text = answer.choices[0].message.content;
  seen.finish = answer.choices[0].finish_reason;
}

async function call(client, { model, stream }, seen) {
  const answer = await client.chat.completions.create({ model, stream, messages: MESSAGES });
  seen.answered = true;
  if (!stream) return noteAnswer(answer, seen);
  for await (const chunk of answer) note(chunk, seen);
}

// What `promise` gives; after a while, that it gives nothing.
async function settled(promise, milliseconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, milliseconds, new Hang());
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function probeOnce(kase) {
  const seen = { answered: false, error: null, chunks: 0, text: "", finish: null, odd: null };
  let tries = 0;
  const client = new OpenAI({
    baseURL: origin + BASE,
    apiKey: "any-key",
    timeout: kase.timeout * 1000,
    defaultHeaders: kase.fault ? { [HEADER]: kase.fault } : {},
    fetch: (...asked) => ((tries += 1), fetch(...asked)),
    logLevel: "off",
    ...(kase.retries === null ? {} : { maxRetries: kase.retries }),
  });
  try {
    await settled(call(client, kase, seen), kase.timeout * 1000 + MILLISECONDS_MORE);
  } catch (error) {
    seen.error = named(error);
  }
  return { ...seen, tries, model: kase.model };
}

// A case that does not go the same way each time is tried again, as another model, when it hangs.
async function probe(kase) {
  let seen = await probeOnce(kase);
  for (let time = 1; kase.usually && HUNG.includes(seen.error) && time < MOST_TIMES; time++) {
    seen = await probeOnce({ ...kase, model: `${kase.model}-${time}` });
  }
  return seen;
}

// Returns when the server answers: a fault may have sent it away for a while.
async function waitForServer() {
  const until = Date.now() + MILLISECONDS_AWAY;
  for (;;) {
    try {
      return await (await fetch(`${origin}/__mock__/health`)).text();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const found = [];
for (const kase of JSON.parse(readFileSync(0, "utf-8"))) {
  await waitForServer();
  found.push(await probe(kase));
}
process.stdout.write(JSON.stringify({ version: VERSION, runtime: process.versions.node, seen: found }));
