import { type Fields, refused } from './fields.ts';

/** Function tools in both forms: as the model protocol has them, and as a response shows them again. */
export interface ParsedTools {
  readonly tools: readonly object[];
  readonly shown: readonly object[];
  /** Fields of the model request. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly shownChoice: unknown;
}

const TOOL = new Set(['type', 'name', 'description', 'parameters', 'strict']);
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

interface FunctionTool {
  readonly name: string;
  readonly description: string | null;
  readonly parameters: unknown;
  readonly strict: boolean | null;
}

/**
 * `tools`, `tool_choice` and `parallel_tool_calls`. Tools that a server would have to run are refused.
 *
 * @throws invalid_request
 */
export function parseTools(body: Fields): ParsedTools {
  const tools = (body.objects('tools') ?? []).map(parseTool);
  const choice = parseChoice(body, tools);
  const parallel = body.flag('parallel_tool_calls');
  const offered = tools.filter(({ name }) => choice.allowed === null || choice.allowed.has(name));
  return {
    tools: offered.map(({ name, description, parameters, strict }) => ({
      type: 'function',
      function: {
        name,
        ...(description === null ? {} : { description }),
        ...(parameters === null ? {} : { parameters }),
        ...(strict === null ? {} : { strict }),
      },
    })),
    shown: tools.map((tool) => ({ type: 'function', ...tool })),
    // Model servers refuse both in a request without tools.
    parameters:
      offered.length === 0
        ? {}
        : {
            ...(choice.forModel === undefined ? {} : { tool_choice: choice.forModel }),
            ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
          },
    shownChoice: choice.shown,
  };
}

function parseTool(tool: Fields): FunctionTool {
  const type = tool.needText('type');
  if (type !== 'function') {
    throw refused(tool.path, `${tool.path}: only tools of type function are supported`);
  }
  tool.only(TOOL);
  const name = tool.needText('name');
  if (!NAME.test(name))
    throw refused(tool.pathOf('name'), `${tool.pathOf('name')} must match ${NAME.source}`);
  return {
    name,
    description: tool.text('description') ?? null,
    parameters: tool.object('parameters') === undefined ? null : tool.raw('parameters'),
    strict: tool.flag('strict') ?? null,
  };
}

interface Choice {
  /** undefined: the model server's own default. */
  readonly forModel: unknown;
  readonly shown: unknown;
  /** null: all of them. */
  readonly allowed: ReadonlySet<string> | null;
}

const MODES = ['none', 'auto', 'required'] as const;

function parseChoice(body: Fields, tools: readonly FunctionTool[]): Choice {
  const given = body.raw('tool_choice');
  if (given === undefined) return { forModel: undefined, shown: 'auto', allowed: null };
  if (typeof given === 'string') {
    const mode = body.oneOf('tool_choice', MODES);
    if (mode === 'required' && tools.length === 0)
      throw refused('tool_choice', 'there are no tools to choose');
    return { forModel: mode, shown: mode, allowed: null };
  }
  const choice = body.object('tool_choice');
  const type = choice?.oneOf('type', ['function', 'allowed_tools']);
  if (choice === undefined || type === undefined)
    throw refused('tool_choice.type', 'tool_choice.type is missing');
  if (type === 'function') {
    const name = nameOf(choice, tools);
    return { forModel: { type: 'function', function: { name } }, shown: { type, name }, allowed: null };
  }
  // Few model servers know such a choice; to offer no others comes to the same.
  const names = (choice.objects('tools') ?? []).map((tool) => nameOf(tool, tools));
  const mode = choice.oneOf('mode', MODES) ?? 'auto';
  const shown = { type, mode, tools: names.map((name) => ({ type: 'function', name })) };
  return { forModel: mode, shown, allowed: new Set(names) };
}

function nameOf(choice: Fields, tools: readonly FunctionTool[]): string {
  const name = choice.needText('name');
  if (!tools.some((tool) => tool.name === name)) {
    throw refused(choice.pathOf('name'), `${choice.pathOf('name')} is not among the tools`);
  }
  return name;
}
