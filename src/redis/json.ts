/** For text that an operator may have edited: these return null when it is not such a value. */

export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  const value = parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

export function parseArray(text: string): readonly unknown[] | null {
  const value = parse(text);
  return Array.isArray(value) ? value : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
