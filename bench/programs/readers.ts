/** Readers of running turns, some thousand in one process, which count what they get. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
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
  /** Streams that broke off or were refused. */
  readonly failed: number;
}

/** Connections that are being made at once: fewer than a listener's backlog. */
const OPENING = 100;

let [open, events, failed] = [0, 0, 0];
const streams = new Set<LiveStream>();

async function openAll({ url, paths }: OpenReaders): Promise<void> {
  const left = [...paths];
  const opener = async () => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const stream = openStream({ url, method: 'GET', path }, EVENT_MARKS, (count) => {
        events += count;
      });
      streams.add(stream);
      stream.ended.catch(() => {
        if (streams.has(stream)) failed += 1;
      });
      await stream.head.then(
        () => {
          open += 1;
        },
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
}

function closeAll(): void {
  const closing = [...streams];
  streams.clear();
  for (const stream of closing) stream.close();
  [open, events, failed] = [0, 0, 0];
}

async function handle(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
  if (request.url === '/open') await openAll(JSON.parse(body) as OpenReaders);
  if (request.url === '/close') closeAll();
  const count: ReadersCount = { open, events, failed };
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
