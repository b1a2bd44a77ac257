// Checks a served novita-mock with the Node `openai` client: what check_openai.py checks in Python.
//
//     node check_node.mjs BASE_URL [--edition v3|2026|live] [--package openai-7]

import { parseArgs } from "node:util";

const BASE = "/v3/openai";
const BASES = [BASE, "/openai/v1", "/openai", "/v3/openai/v1"];
const MODEL = "meta-llama/llama-3.1-8b-instruct";
const UNKNOWN = "nobody/nothing";
const LEAST_MODELS = 35;
const BODY_LIMIT = 16 * 1024 * 1024;
const CHAT = { model: MODEL, messages: [{ role: "user", content: "Hi there!" }] };
const TEXT = { model: MODEL, prompt: "How do I make pasta?" };

// What each edition documents: reason -> status.
const ERRORS = {
  v3: {
    INVALID_API_KEY: 401,
    NOT_ENOUGH_BALANCE: 403,
    MODEL_NOT_FOUND: 404,
    RATE_LIMIT_EXCEEDED: 429,
    MODEL_NOT_AVAILABLE: 500,
    INVALID_REQUEST_BODY: 400,
  },
  2026: {
    FAILED_TO_AUTH: 401,
    INVALID_API_KEY: 403,
    NOT_ENOUGH_BALANCE: 403,
    ACCESS_DENY: 403,
    MODEL_NOT_FOUND: 404,
    RATE_LIMIT_EXCEEDED: 429,
    TOKEN_LIMIT_EXCEEDED: 429,
    SERVICE_NOT_AVAILABLE: 503,
    INVALID_REQUEST_BODY: 400,
  },
  live: {
    FAILED_TO_AUTH: 401,
    NOT_ENOUGH_BALANCE: 403,
    MODEL_NOT_FOUND: 404,
    RATE_LIMIT_EXCEEDED: 429,
    TOKEN_LIMIT_EXCEEDED: 429,
    MODEL_NOT_AVAILABLE: 500,
    INVALID_REQUEST_BODY: 400,
  },
};
const EXCEPTIONS = {
  400: "BadRequestError",
  401: "AuthenticationError",
  403: "PermissionDeniedError",
  404: "NotFoundError",
  413: "APIError",
  429: "RateLimitError",
  500: "InternalServerError",
  503: "InternalServerError",
};
const MISSING_KEY = { v3: 401, 2026: 403, live: 403 };
const TRIED_AGAIN = [429, 500, 503];
const BAD_INPUT = {
  "$.messages": { messages: [] },
  "$.messages[0].role": { messages: [{ role: "nobody", content: "x" }] },
  "$.temperature": { temperature: 3 },
  "$.n": { n: 0 },
  "$.max_tokens": { max_tokens: "many" },
  "$.stream": { stream: "yes" },
};

const options = {
  edition: { type: "string", default: "v3" },
  package: { type: "string", default: "openai-7" },
};
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const { edition } = values;
const url = positionals[0] ?? process.env.OPENAI_BASE_URL;
if (!url || !(edition in ERRORS)) {
  console.error("a base URL is needed, as an argument or in OPENAI_BASE_URL, and a known edition");
  process.exit(2);
}
const root = url.slice(0, -BASE.length);
const { default: OpenAI } = await import(values.package);

// The client keeps a refusal's body only if it stands under `error`, which the API's does not.
class Novita extends OpenAI {
  makeStatusError(status, body, message, headers) {
    return super.makeStatusError(status, { error: body }, message, headers);
  }
}

const fresh = (more = {}, Client = Novita) =>
  new Client({ baseURL: url, apiKey: "any-key", maxRetries: 0, ...more });
const client = fresh();

function same(what, found, wanted) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: expected ${right}; got ${left}`);
}

function holds(what, found) {
  if (!found) throw new Error(`${what}: does not hold`);
}

function addsUp(usage) {
  holds("prompt_tokens is positive", usage.prompt_tokens > 0);
  same("total_tokens", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

async function collect(promise) {
  const chunks = [];
  for await (const chunk of await promise) chunks.push(chunk);
  return chunks;
}

// The text of a choice of a chunk or an answer, of either operation.
const piece = (choice) => (choice.delta ? choice.delta.content : choice.text) ?? "";
const whole = (choice) => (choice.message ? choice.message.content : choice.text);

const choicesOf = (chunks) => chunks.flatMap((chunk) => chunk.choices);
const joined = (chunks, index = 0) =>
  choicesOf(chunks)
    .filter((choice) => choice.index === index)
    .map(piece)
    .join("");
const finishes = (chunks) =>
  choicesOf(chunks)
    .filter((choice) => choice.finish_reason)
    .map((choice) => [choice.index, choice.finish_reason]);

const chat = (more = {}, with_ = client, how = undefined) =>
  with_.chat.completions.create({ ...CHAT, ...more }, how);
const completions = (more = {}, with_ = client, how = undefined) =>
  with_.completions.create({ ...TEXT, ...more }, how);

// --- answers: each is run for chat and for completions, `create` being one of the two ---

const ANSWERS = {
  "is answered": async (create) => {
    const answer = await create();
    same("model", answer.model, MODEL);
    same("finish_reason", answer.choices[0].finish_reason, "stop");
    holds("there is text", whole(answer.choices[0]).trim());
    addsUp(answer.usage);
  },
  "is streamed as it is answered": async (create) => {
    const answer = await create({ seed: 7 });
    const chunks = await collect(create({ seed: 7, stream: true }));
    same("text", joined(chunks), whole(answer.choices[0]));
    same("ids", new Set(chunks.map((chunk) => chunk.id)).size, 1);
    same("models", [...new Set(chunks.map((chunk) => chunk.model))], [MODEL]);
    same("finish_reason", finishes(chunks), [[0, "stop"]]);
    holds("more than three chunks", chunks.length > 3);
  },
  "is streamed with usage if asked": async (create) => {
    const asked = { seed: 7, stream: true, stream_options: { include_usage: true } };
    const answer = await create({ seed: 7 });
    const chunks = await collect(create(asked));
    const last = chunks.pop();
    same("choices of the last chunk", last.choices, []);
    same("usage before", chunks.filter((chunk) => chunk.usage).length, 0);
    addsUp(last.usage);
    same("usage", last.usage.total_tokens, answer.usage.total_tokens);
  },
  "has n choices": async (create) => {
    const answer = await create({ n: 2 });
    const chunks = await collect(create({ n: 2, stream: true }));
    same("indexes", answer.choices.map((choice) => choice.index), [0, 1]);
    same("texts", [joined(chunks, 0), joined(chunks, 1)], answer.choices.map(whole));
    same("finish_reason", finishes(chunks).sort(), [[0, "stop"], [1, "stop"]]);
  },
  "is limited by max_tokens": async (create) => {
    const answer = await create({ max_tokens: 5 });
    same("finish_reason", answer.choices[0].finish_reason, "length");
    same("completion_tokens", answer.usage.completion_tokens, 5);
  },
  "ends with the stop sequence": async (create) => {
    const free = whole((await create()).choices[0]);
    const stop = free.trim().split(/\s+/)[3];
    for (const asked of [stop, ["never written", stop]]) {
      const [choice] = (await create({ stop: asked })).choices;
      same("text", whole(choice), free.slice(0, free.indexOf(stop) + stop.length));
      same("finish_reason", choice.finish_reason, "stop");
    }
  },
  "is left in mid stream": async (create) => {
    const stream = await create({ stream: true, max_tokens: 500 });
    for await (const _ of stream) break;
    stream.controller.abort();
    await ANSWERS["is answered"](create);
  },
};

// --- what only one operation has ---

const SPECIAL = {
  "chat has log probabilities": async () => {
    const answer = await chat({ logprobs: true, top_logprobs: 2, max_tokens: 9 });
    const found = answer.choices[0].logprobs.content;
    same("tokens", found.map((entry) => entry.token).join(""), whole(answer.choices[0]));
    holds("two alternatives", found.every((entry) => entry.top_logprobs.length === 2));
  },
  "chat is gathered by the stream helper": async () => {
    const asked = { ...CHAT, n: 2, logprobs: true, top_logprobs: 2 };
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    const answer = await client.chat.completions.create(asked);
    same("texts", final.choices.map(whole), answer.choices.map(whole));
    for (const choice of final.choices) {
      const tokens = choice.logprobs.content.map((entry) => entry.token).join("");
      same("tokens", tokens, whole(choice));
    }
  },
  "chat has headers": async () => {
    for (const [stream, kind] of [[false, "application/json"], [true, "text/event-stream"]]) {
      const { response } = await chat({ stream }).withResponse();
      same("content-type", response.headers.get("content-type"), kind);
    }
  },
  "completions take lists of prompts": async () => {
    for (const prompt of [["One.", "Two."], [[1, 2, 3], [4, 5]]]) {
      const answer = await completions({ prompt, n: 2, max_tokens: 4 });
      same("indexes", answer.choices.map((choice) => choice.index), [0, 1, 2, 3]);
      same("completion_tokens", answer.usage.completion_tokens, 16);
    }
    const answer = await completions({ prompt: [1, 2, 3], max_tokens: 4 });
    same("prompt_tokens", answer.usage.prompt_tokens, 3);
  },
  "completions have log probabilities": async () => {
    const [choice] = (await completions({ logprobs: 2, max_tokens: 9 })).choices;
    const { tokens, token_logprobs, text_offset } = choice.logprobs;
    same("tokens", tokens.join(""), whole(choice));
    same("text_offset", text_offset, tokens.map((_, at) => tokens.slice(0, at).join("").length));
    same("token_logprobs", token_logprobs.length, tokens.length);
  },
  "models are listed": async () => {
    const page = await client.models.list();
    const ids = page.data.map((model) => model.id);
    holds("the seed's model is listed", ids.includes(MODEL));
    holds("there are enough models", ids.length >= LEAST_MODELS);
    same("items of the page", (await collect(page)).map((model) => model.id), ids);
  },
  "a model with a slash is retrieved": async (with_ = client) => {
    const model = await with_.models.retrieve(MODEL);
    same("id", model.id, MODEL);
    same("object", model.object, "model");
  },
  "every base path is served": async () => {
    for (const base of BASES) {
      const there = fresh({ baseURL: root + base });
      await ANSWERS["is answered"]((more) => chat(more, there));
      await SPECIAL["a model with a slash is retrieved"](there);
    }
  },
  "too many tokens are lowered or refused": async () => {
    const asked = { max_tokens: 1_000_000 };
    if (edition === "live") await refusal(() => chat(asked), 400);
    else addsUp((await chat(asked)).usage);
  },
};

// --- refusals ---

// The exception that `call` raises; its class and status have to be those of `status`.
async function refusal(call, status) {
  try {
    await call();
  } catch (error) {
    const wanted = OpenAI[EXCEPTIONS[status]];
    holds(`${error} is exactly ${EXCEPTIONS[status]}`, error.constructor === wanted);
    same("status", error.status, status);
    return error;
  }
  throw new Error(`expected ${EXCEPTIONS[status]}; nothing was thrown`);
}

function said(error) {
  same("code", error.error.code, error.status);
  same("code of the exception", error.code, error.status);
  holds("there is a message", error.error.message);
  return error.error;
}

// Every call that can ask for the error `reason` in this way.
function callsFor(reason, way) {
  const how = way === "header" ? { headers: { "X-Novita-Mock-Error": reason } } : undefined;
  const with_ = way === "key" ? fresh({ apiKey: `mock-${reason}` }) : client;
  const model = way === "model" ? `mock/${reason}` : MODEL;
  const calls = [false, true].flatMap((stream) => [
    () => chat({ model, stream }, with_, how),
    () => completions({ model, stream }, with_, how),
  ]);
  calls.push(() => with_.models.retrieve(model, how));
  if (way !== "model") calls.push(() => with_.models.list(how));
  return calls;
}

async function askedFor(reason, status, way) {
  const envelope = ["code", "message", ...(edition === "live" ? ["metadata"] : []), "reason"];
  for (const call of callsFor(reason, way)) {
    const body = said(await refusal(call, status));
    same("reason", body.reason, reason);
    same("keys", Object.keys(body).sort(), envelope);
  }
}

async function triedAgain(reason, status) {
  let tries = 0;
  const counted = (...request) => {
    tries += 1;
    return fetch(...request);
  };
  const again = fresh({ maxRetries: 1, fetch: counted });
  const how = { headers: { "X-Novita-Mock-Error": reason } };
  await refusal(() => chat({}, again, how), status);
  same("tries", tries, TRIED_AGAIN.includes(status) ? 2 : 1);
}

async function badInput(path, wrong) {
  for (const stream of [false, true]) {
    const body = said(await refusal(() => chat({ stream, ...wrong }), 400));
    same("reason", body.reason, "INVALID_REQUEST_BODY");
    holds(`${path} is in ${body.message}`, body.message.startsWith(`${path}:`));
  }
}

const REFUSALS = {
  "an unknown model is refused": async () => {
    const model = UNKNOWN;
    for (const call of [
      () => chat({ model }),
      () => completions({ model }),
      () => client.models.retrieve(model),
    ]) {
      same("reason", said(await refusal(call, 404)).reason, "MODEL_NOT_FOUND");
    }
  },
  "an unknown route is plain text": async () => {
    const error = await refusal(() => chat({}, fresh({ baseURL: `${root}/v1` }, OpenAI)), 404);
    same("message", error.message, "404 404 page not found");
  },
  "too large a body is refused": async () => {
    const messages = [{ role: "user", content: "x".repeat(BODY_LIMIT) }];
    said(await refusal(() => chat({ messages }), 413));
  },
  "a missing key is refused": async () => {
    const nobody = { headers: { Authorization: "Bearer" } };
    const error = await refusal(() => chat({}, client, nobody), MISSING_KEY[edition]);
    same("reason", said(error).reason, "INVALID_API_KEY");
    const list = () => client.models.list(nobody);
    if (edition === "live") await list();
    else await refusal(list, MISSING_KEY[edition]);
  },
  "the client as it comes has the class too": async () => {
    const plain = fresh({}, OpenAI);
    for (const [reason, status] of Object.entries(ERRORS[edition])) {
      await refusal(() => chat({ model: `mock/${reason}` }, plain), status);
    }
  },
};

function* checks() {
  for (const create of [chat, completions]) {
    for (const [name, check] of Object.entries(ANSWERS)) {
      yield [`${create.name} ${name}`, () => check(create)];
    }
  }
  for (const [name, check] of Object.entries(SPECIAL)) yield [name, () => check()];
  for (const [reason, status] of Object.entries(ERRORS[edition])) {
    for (const way of ["header", "model", "key"]) {
      const name = `${reason} is ${EXCEPTIONS[status]}, asked for by ${way}`;
      yield [name, () => askedFor(reason, status, way)];
    }
    const again = TRIED_AGAIN.includes(status) ? "is" : "is not";
    yield [`${reason} ${again} tried again`, () => triedAgain(reason, status)];
  }
  for (const [path, wrong] of Object.entries(BAD_INPUT)) {
    yield [`bad input is refused at ${path}`, () => badInput(path, wrong)];
  }
  yield* Object.entries(REFUSALS);
}

let passed = 0;
let failed = 0;
const { VERSION } = await import(`${values.package}/version`);
console.log(`openai ${VERSION} for Node ${process.version}, edition ${edition}`);
for (const [name, check] of checks()) {
  try {
    await check();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
