/** The last moment that a date can name, ms since 1970. */
export const LAST_TIME_MS = 8.64e15;

/** @returns null when the text is not a whole number up to `most`: an operator can write anything into a field */
export function wholeNumber(
  text: string | null | undefined,
  most: number = Number.MAX_SAFE_INTEGER,
): number | null {
  if (text === null || text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return value <= most ? value : null;
}
