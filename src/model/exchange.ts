import type { Dispatcher } from 'undici';
import type { ModelAnswer } from '../conversation/ports/model.ts';
import type { StreamEnd } from './answer-end.ts';
import { AnswerReader, type OnPart } from './answer-reader.ts';
import type { ModelConnection } from './connection.ts';
import { ModelFailure, refusedWith } from './model-failure.ts';
import { type Source, type Unpacker, unpackerFor } from './unpack.ts';

/** How long after its last token a model may still report its usage. */
const USAGE_WITHIN_MS = 2000;

/** A complete answer leaves its connection this long to end by itself, so that the next call may use it. */
const LINGER_MS = 1000;

/** Longest body of a refusal that is read. */
const MAX_REFUSAL_BYTES = 65_536;

/**
 * Sends one request and reads its answer, straight from the dispatcher: the `openai` package on a `fetch` takes seven
 * times the CPU (docs/decisions/0013).
 *
 * @throws ModelFailure, ModelRefused, model_timeout when `signal` fired, and what `onPart` throws
 */
export function exchange(
  connection: ModelConnection,
  body: string,
  signal: AbortSignal,
  onPart: OnPart,
): Promise<ModelAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ModelAnswer>();
  const reader = new AnswerReader(onPart, connection.maxEventBytes);
  let controller: Dispatcher.DispatchController | null = null;
  let refusal: Refusal | null = null;
  let hasBegun = false;
  let unpacker: Unpacker | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isSettled = false;

  /** Ends the call at the transport; safe at any time. */
  const hangUp = () => controller?.abort(new Error('the call was ended'));
  const settle = (conclude: () => void) => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    conclude();
  };
  const end = (how: StreamEnd) =>
    settle(() => {
      try {
        resolve(reader.end(how));
      } catch (error) {
        reject(error);
      }
    });
  const fail = (error: unknown) => {
    settle(() => reject(error));
    hangUp();
  };
  const onAbort = () => {
    end('silent');
    hangUp();
  };
  /** After each piece that was read: the answer may be complete before its body ends. */
  const look = () => {
    if (isSettled) return;
    if (reader.isDone) {
      end('done');
      timer = setTimeout(hangUp, LINGER_MS).unref();
    } else if (reader.isBroken) {
      end('closed');
      hangUp();
    } else if (reader.isFinished && timer === undefined) {
      timer = setTimeout(onAbort, USAGE_WITHIN_MS);
    } else if (!reader.isFinished && timer !== undefined) {
      clearTimeout(timer);
      timer = undefined;
    }
  };

  const onData = (bytes: Buffer, from: Source) => {
    if (isSettled) return;
    if (refusal !== null) {
      refusal.body += bytes.toString('utf8');
      if (refusal.body.length > MAX_REFUSAL_BYTES) fail(asFailure(refusal));
      return;
    }
    try {
      const taken = reader.feed(bytes);
      if (taken === undefined) return look();
      from.pause();
      taken.then(() => {
        look();
        from.resume();
      }, fail);
    } catch (error) {
      fail(error);
    }
  };
  const onEnd = () => {
    if (refusal !== null) return fail(asFailure(refusal));
    if (isSettled) return clearTimeout(timer);
    try {
      const taken = reader.close();
      if (taken === undefined) end('closed');
      else taken.then(() => end('closed'), fail);
    } catch (error) {
      fail(error);
    }
  };

  signal.addEventListener('abort', onAbort, { once: true });
  connection.dispatcher.dispatch(
    {
      ...connection.call,
      method: 'POST',
      body,
      // Both are bounded by the core, which knows what a turn may take.
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (isSettled) hangUp();
      },
      onResponseStart(_controller, status, headers) {
        if (status < 200) return;
        hasBegun = true;
        if (status >= 300) refusal = { status, headers, body: '' };
        const onError = () => (refusal === null ? end('reset') : fail(asFailure(refusal)));
        unpacker = unpackerFor(headers['content-encoding'], { onData, onEnd, onError });
      },
      onResponseData(from, bytes) {
        if (unpacker === null) onData(bytes, from);
        else if (!isSettled) unpacker.write(bytes, from);
      },
      onResponseEnd() {
        if (unpacker === null || isSettled) onEnd();
        else unpacker.end();
      },
      onResponseError(_controller, error) {
        clearTimeout(timer);
        if (refusal !== null) return fail(asFailure(refusal));
        // Only a call without a reply is retried: if one had begun, the server might do the work twice.
        if (!hasBegun && !signal.aborted) return fail(unanswered(error));
        end('reset');
      },
    },
  );
  return promise;
}

/** Headers that overflow come from a model that has worked: a retry would be paid for again. */
function unanswered(error: Error): ModelFailure {
  const isOverflow = 'code' in error && error.code === 'UND_ERR_HEADERS_OVERFLOW';
  return new ModelFailure('did not answer', isOverflow ? { mayRetry: false } : {}, error);
}

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

function asFailure({ status, headers, body }: Refusal): ModelFailure {
  return refusedWith(status, headers, body);
}
