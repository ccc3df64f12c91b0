import { Agent, type ClientRequest, request } from 'node:http';

/** A target of requests, and its keep-alive connections, one per client. */
export class Caller {
  readonly #agent: Agent;
  readonly #host: string;
  readonly #port: number;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    [this.#host, this.#port] = [hostname, Number(port)];
    this.#agent = new Agent({ keepAlive: true });
  }

  /**
   * Sends a request; reads the answer to its end.
   *
   * @param heard  called with all text so far at each piece
   * @throws when the status is neither 200 nor 201
   */
  call(
    method: string,
    path: string,
    body: string | null,
    heard?: (text: string) => void,
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outgoing: ClientRequest = request({
      host: this.#host,
      port: this.#port,
      method,
      path,
      agent: this.#agent,
      headers:
        body === null
          ? more
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...more },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (piece: string) => {
        text += piece;
        heard?.(text);
      });
      incoming.once('error', reject);
      incoming.once('end', () => {
        if (incoming.statusCode === 200 || incoming.statusCode === 201) resolve(text);
        else reject(new Error(`${method} ${path} answered ${incoming.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    outgoing.end(body ?? undefined);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}
