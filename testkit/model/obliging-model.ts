import { callSteps } from './call-steps.ts';
import type { Step } from './model-script.ts';
import { choice } from './model-wire.ts';
import { type ModelRequest, textDeltas } from './scripted-model.ts';

/**
 * A model that does what it is asked for, for suites that look at the server around it: it calls a function when it is
 * offered one and has no result yet, fills in schemas, thinks aloud when it is asked to think, and else repeats what it
 * was told.
 */
export function obliging({ messages, body }: ModelRequest, index: number): Step[] {
  const asked = textOf(messages.findLast(({ role }) => role === 'user')?.content);
  const thoughts: Step[] =
    body.reasoning_effort === undefined
      ? []
      : [{ chunk: choice({ delta: { reasoning_content: 'Let me think.' } }) }];
  const wanted = functionToCall(body, messages.at(-1)?.role === 'tool');
  if (wanted !== null) {
    const args = sample(wanted.parameters ?? {}, wanted.parameters ?? {}, asked);
    return [...thoughts, ...callSteps([{ id: `call_${index}`, name: String(wanted.name), args }])];
  }
  const format = fieldsOf(body.response_format);
  if (format.type === 'json_schema') {
    const { schema } = fieldsOf(format.json_schema);
    return [...thoughts, ...textDeltas(JSON.stringify(sample(schema, schema, asked)))];
  }
  if (format.type === 'json_object') {
    return textDeltas(JSON.stringify({ setup: 'Why?', punchline: 'Because.' }));
  }
  const result = messages.at(-1)?.role === 'tool' ? textOf(messages.at(-1)?.content) : '';
  return [...thoughts, ...textDeltas(`You said: ${asked} ${result}`)];
}

type Fields = Readonly<Record<string, unknown>>;

function functionToCall({ tools, tool_choice: toolChoice }: Fields, hasResult: boolean): Fields | null {
  const functions = (Array.isArray(tools) ? tools : []).map((tool) => fieldsOf(fieldsOf(tool).function));
  const { name } = fieldsOf(fieldsOf(toolChoice).function);
  if (name !== undefined) return functions.find((one) => one.name === name) ?? null;
  if (toolChoice === 'none' || (hasResult && toolChoice !== 'required')) return null;
  return functions[0] ?? null;
}

/** A value that fits a schema; a number is the first one in the question. */
function sample(schema: unknown, root: unknown, asked: string): object | string | number | boolean | null {
  const { $ref: ref, anyOf, allOf, enum: values, const: only, type, properties, items } = fieldsOf(schema);
  if (typeof ref === 'string') return sample(at(root, ref), root, asked);
  if (only !== undefined) return only as string;
  if (Array.isArray(values)) return (values as string[])[0] ?? null;
  for (const some of [anyOf, allOf]) if (Array.isArray(some)) return sample(some[0], root, asked);
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return asked;
    case 'integer':
    case 'number':
      return Number(/\d+/.exec(asked)?.[0] ?? 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return [sample(items, root, asked)];
    default:
      return Object.fromEntries(
        Object.entries(fieldsOf(properties)).map(([name, one]) => [name, sample(one, root, asked)]),
      );
  }
}

/** `#/$defs/Name` in a schema. */
function at(root: unknown, ref: string): unknown {
  const steps = ref.split('/').slice(1);
  return steps.reduce((value: unknown, step) => fieldsOf(value)[step], root);
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : [];
  return parts.map((part) => fieldsOf(part).text ?? '').join(' ');
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
