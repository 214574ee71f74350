/** Functions of this page that an agent may call: what it is told of them, and what they do. */

const MOST_DICE = 20;
const MOST_NOTES = 20;
const THEMES = ["light", "dark", "system"];

const none = { type: "object", properties: {}, additionalProperties: false };

/** By name. `run` takes the call's arguments and returns what the agent is told, as JSON. */
export const TOOLS = {
  get_local_time: {
    label: "Tell your local time",
    description: "The date, the time and the time zone where the user is.",
    parameters: none,
    run: () => ({
      now: new Date().toLocaleString("en-GB", { dateStyle: "full", timeStyle: "short" }),
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    }),
  },
  roll_dice: {
    label: "Roll dice",
    description: "Roll dice, and get what each shows.",
    parameters: {
      type: "object",
      properties: {
        count: { type: "integer", minimum: 1, maximum: MOST_DICE, description: "How many; 1 if not said." },
        sides: { type: "integer", minimum: 2, maximum: 1000, description: "Of each; 6 if not said." },
      },
      additionalProperties: false,
    },
    run: ({ count = 1, sides = 6 }) => {
      if (!(Number.isInteger(count) && count >= 1 && count <= MOST_DICE)) throw new Error(`cannot roll ${count} dice`);
      if (!(Number.isInteger(sides) && sides >= 2)) throw new Error(`no die has ${sides} sides`);
      return { rolled: Array.from({ length: count }, () => 1 + Math.floor(sides * Math.random())) };
    },
  },
  set_theme: {
    label: "Make this page light or dark",
    description: "Make the page that the user looks at light or dark, or as the user's system is.",
    parameters: {
      type: "object",
      properties: { theme: { type: "string", enum: THEMES } },
      required: ["theme"],
      additionalProperties: false,
    },
    run: ({ theme }) => {
      if (!THEMES.includes(theme)) throw new Error(`no such theme: ${theme}`);
      if (theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      return { theme };
    },
  },
  add_note: {
    label: "Write notes below",
    description: "Write a note that the user sees on the page.",
    parameters: {
      type: "object",
      properties: { text: { type: "string", description: "At most a sentence." } },
      required: ["text"],
      additionalProperties: false,
    },
    run: ({ text }) => {
      if (typeof text !== "string" || !text) throw new Error("a note needs a text");
      const notes = document.getElementById("notes");
      notes.append(Object.assign(document.createElement("li"), { textContent: text }));
      if (notes.childElementCount > MOST_NOTES) notes.firstElementChild.remove();
      return { noted: true };
    },
  },
};

/** What a call gives as its output: JSON, that of an error too, which the agent can speak of. */
export function toolOutput(name, givenJson) {
  try {
    if (!Object.hasOwn(TOOLS, name)) throw new Error(`no such tool: ${name}`);
    return JSON.stringify(TOOLS[name].run(JSON.parse(givenJson || "{}")));
  } catch (error) {
    return JSON.stringify({ error: error.message });
  }
}
