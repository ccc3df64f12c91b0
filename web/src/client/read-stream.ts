import { readEvent, type TurnEvent } from './events.ts';
import { SseParser } from './sse.ts';

/** The server sends a comment every 15 s; a stream that is silent for longer has lost its network. */
const SILENT_AFTER_MS = 40_000;

/** The events of one response, until its body ends, breaks or falls silent; never throws but for the signal. */
export async function* readStream(response: Response, signal: AbortSignal): AsyncGenerator<TurnEvent> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    for (;;) {
      const bytes = await nextBytes(reader);
      signal.throwIfAborted();
      if (bytes === null) return;
      for (const frame of parser.push(decoder.decode(bytes, { stream: true }))) {
        const event = readEvent(frame);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** @returns null when nothing more comes */
async function nextBytes(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, SILENT_AFTER_MS, null);
  });
  try {
    const piece = await Promise.race([reader.read(), silence]);
    return piece === null || piece.done ? null : piece.value;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
