// Holds server events to OpenAI's packages for JavaScript: the types that `openai` declares, which a
// compiler judges, and the schemas by which `@openai/agents-realtime` reads them.
//
//   node official_types.mjs NODE_MODULES < events, one JSON object a line
//
// Prints a JSON list of {types, schemas} for each event: what is wrong with it, or null.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const modules = path.resolve(process.argv[2]);
const require = createRequire(path.join(modules, "x.js"));
const ts = require("typescript");
const events = readFileSync(0, "utf8").split("\n").filter(Boolean);

const schemas = path.join(modules, "@openai/agents-realtime/dist/openaiRealtimeEvents.mjs");
const { realtimeServerEventSchema } = await import(pathToFileURL(schemas));

function schemasSay(event) {
  const parsed = realtimeServerEventSchema.safeParse(JSON.parse(event));
  if (parsed.success) return null;
  return JSON.stringify(closest(parsed.error.issues, JSON.parse(event).type)).slice(0, 600);
}

// A union tells of all its members; the one that was meant does not complain of the type.
function closest(issues, type) {
  const [issue] = issues;
  if (issue?.code !== "invalid_union" || !issue.errors?.length) return issues;
  const meant = issue.errors.find((each) => !each.some(({ path }) => path[0] === "type"));
  return meant ?? `unknown type ${type}`;
}

// Literals are of the narrowest type, as constants, and may have members that the type lacks. What is
// optional may be null, too, as it is in the API's own examples:
// https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
const PREAMBLE = `
  import type { RealtimeServerEvent } from "openai/resources/realtime/realtime";
  type Deep<T> = T extends object ? { readonly [K in keyof T]: Member<T[K]> } : T;
  type Member<T> = undefined extends T ? Deep<T> | null : Deep<T>;
  type Event = Deep<RealtimeServerEvent>;
`.trim().split("\n");
const program = events.flatMap((event, index) => [
  `const e${index} = ${event} as const; export const t${index}: Event = e${index};`,
]);

function typesSay() {
  const name = path.join(modules, "events.ts");
  const text = [...PREAMBLE, ...program].join("\n");
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [],
    target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => (file === name ? source : getSourceFile(file, ...rest));
  const fileExists = host.fileExists.bind(host);
  host.fileExists = (file) => file === name || fileExists(file);
  const compiled = ts.createProgram([name], options, host);
  const said = new Map();
  const diagnostics = [
    ...compiled.getSyntacticDiagnostics(source),
    ...compiled.getSemanticDiagnostics(source),
  ];
  for (const { start, messageText } of diagnostics) {
    const line = source.getLineAndCharacterOfPosition(start).line - PREAMBLE.length;
    said.set(line, ts.flattenDiagnosticMessageText(messageText, "\n").split("\n").slice(-3).join(" "));
  }
  return said;
}

const types = typesSay();
if ([...types.keys()].some((line) => line < 0)) throw new Error([...types.values()].join("\n"));
const verdicts = events.map((event, index) => ({
  types: types.get(index) ?? null,
  schemas: schemasSay(event),
}));
console.log(JSON.stringify(verdicts));
