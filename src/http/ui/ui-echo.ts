/** What this door keeps with a turn: the ids under which its client knows it. */
export interface UiEcho {
  /** The message of the client that the answer continues; '' when it is a new one. */
  readonly continues: string;
  /** The client's id of the question; '' when it sent none, or outputs of tools. */
  readonly asks: string;
}

/** Ids of answers: a turn's, so that a reader that comes back elsewhere gets the same. */
const MESSAGE_PREFIX = 'msg_';

export function encodeEcho(echo: UiEcho): string {
  return JSON.stringify(echo);
}

/** A turn that was asked for at another door was not given such ids. */
export function decodeEcho(text: string): UiEcho {
  let given: Partial<Record<keyof UiEcho, unknown>> = {};
  try {
    given = Object(JSON.parse(text));
  } catch {
    // Another door's echo may be anything.
  }
  const { continues, asks } = given;
  return {
    continues: typeof continues === 'string' ? continues : '',
    asks: typeof asks === 'string' ? asks : '',
  };
}

export function messageIdOf(turnId: string, { continues }: UiEcho): string {
  return continues === '' ? `${MESSAGE_PREFIX}${turnId}` : continues;
}
