/** 128 random bits. Not `crypto.randomUUID`: a page that came over plain HTTP from another host lacks it. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
