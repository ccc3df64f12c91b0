import {
  type BaseEvent,
  HttpAgent,
  type HttpAgentConfig,
  runHttpRequest,
  type Tool,
  transformHttpEventStream,
} from '@ag-ui/client';

/** The real client, which notes the events that it was given, and connects to a run by our route. */
export class ThreadAgent extends HttpAgent {
  readonly heard: BaseEvent[] = [];
  /** The head of the last reply. */
  response: Response | null = null;

  constructor(replica: { readonly url: string }, threadId: string, more: Partial<HttpAgentConfig> = {}) {
    super({ url: `${replica.url}/api/ag-ui`, threadId, ...more });
    const { fetch: ask } = this;
    this.fetch = async (url, init) => {
      this.response = await ask(url, init);
      // The client's own reader of a body fails when there is none.
      return this.response.status === 204 ? new Response('') : quietOnCancel(this.response);
    };
    this.subscribe({ onEvent: ({ event }) => void this.heard.push(event) });
  }

  protected override connect(): ReturnType<typeof transformHttpEventStream> {
    const { headers, threadId, url } = this;
    // The one of a run that was left has fired.
    this.abortController = new AbortController();
    const { signal } = this.abortController;
    const request = () => this.fetch(`${url}/${threadId}/stream`, { headers, signal });
    return transformHttpEventStream(runHttpRequest(request));
  }

  /** Adds a message of the user, and runs. */
  say(content: string, parameters: Parameters<HttpAgent['runAgent']>[0] = {}) {
    this.addMessage({ id: crypto.randomUUID(), role: 'user', content });
    return this.runAgent(parameters);
  }

  /** Adds the output of a tool; run it with `runAgent`. */
  answer(toolCallId: string, content: string): void {
    this.addMessage({ id: crypto.randomUUID(), role: 'tool', toolCallId, content });
  }

  get types(): readonly string[] {
    return this.heard.map(({ type }) => type);
  }

  /** What the client holds, as `role: content`. */
  get said(): readonly string[] {
    return this.messages.map(({ role, content }) => `${role}: ${String(content ?? '')}`);
  }
}

/**
 * After a connection was lost the client cancels its reader and lets the refusal of that go unhandled, which would end the
 * process. The error that it read first is still its own.
 */
function quietOnCancel(response: Response): Response {
  const { body } = response;
  if (body === null || !response.ok) return response;
  const reader = body.getReader();
  const cancel = reader.cancel.bind(reader);
  reader.cancel = (reason) => cancel(reason).catch(() => undefined);
  Object.defineProperty(body, 'getReader', { value: () => reader });
  return response;
}

/** A function of the caller. */
export const WEATHER: Tool = {
  name: 'weather',
  description: 'The weather in a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
