/** Readers of running turns, some thousand in one process, which count what they get. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT_MARKS, type LiveStream, openStream } from '../live-stream.ts';
import { listen, withOperation } from './operation.ts';

/** What `POST /open` takes. */
export interface OpenReaders {
  readonly url: string;
  /** One reader each. */
  readonly paths: readonly string[];
}

/** What `GET /count` answers. */
export interface ReadersCount {
  readonly open: number;
  readonly events: number;
  /** Streams that broke off, or were refused once. */
  readonly failed: number;
  readonly firstFailure: string | null;
}

/** Connections that are being made at once: each is first told all that its turn has said. */
const OPENING = 20;

/** Before one that was refused is opened again: on a full machine a replica refuses some. */
const AGAIN_MS = 500;

let [open, events, failed] = [0, 0, 0];
let firstFailure: string | null = null;
const streams = new Set<LiveStream>();

async function openAll({ url, paths }: OpenReaders): Promise<void> {
  const left = [...paths];
  const opener = async () => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      if (await openOne(url, path)) continue;
      await sleep(AGAIN_MS);
      await openOne(url, path);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
}

/** @returns whether it was let in */
async function openOne(url: string, path: string): Promise<boolean> {
  const stream = openStream({ url, method: 'GET', path }, EVENT_MARKS, (count) => {
    events += count;
  });
  streams.add(stream);
  stream.ended.catch((error: unknown) => {
    // Not one that was closed here.
    if (!streams.delete(stream)) return;
    failed += 1;
    firstFailure ??= String(error).slice(0, 300);
  });
  try {
    await stream.head;
    open += 1;
    return true;
  } catch {
    return false;
  }
}

function closeAll(): void {
  const closing = [...streams];
  streams.clear();
  for (const stream of closing) stream.close();
  [open, events, failed] = [0, 0, 0];
  firstFailure = null;
}

async function handle(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  if (request.url === '/open') await openAll(JSON.parse(body) as OpenReaders);
  if (request.url === '/close') closeAll();
  const count: ReadersCount = { open, events, failed, firstFailure };
  response.end(JSON.stringify(count));
}

listen(
  createServer(
    withOperation((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => {
        body += part;
      });
      request.on('end', () => void handle(request, response, body));
    }),
  ),
);
