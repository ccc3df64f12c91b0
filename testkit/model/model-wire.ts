import type { Script, Step } from './model-script.ts';
import { echo, type Reply, type ScriptedModel } from './scripted-model.ts';

/** Raw pieces that a model server may send, and a model that sends them. */

export const choice = (rest: object) => ({ choices: [{ index: 0, ...rest }] });

export const delta = (content: unknown, rest: object = {}): Step => ({
  chunk: choice({ delta: { content }, ...rest }),
});

export const line = (value: unknown) => `data: ${JSON.stringify(value)}`;

export const done: Step = { raw: 'data: [DONE]\n\n' };

export const end: Step = { end: true };

/** A whole body that is not a stream. */
export const json = (body: unknown): Step => ({ status: 200, body });

/** Plays the script for the message, and echoes others. */
export function answersOf(scripts: Readonly<Record<string, () => Script>>): Reply {
  return (request) => scripts[request.messages.at(-1)?.content ?? '']?.() ?? echo(request);
}

export const callsFor = (model: ScriptedModel, message: string) =>
  model.requests.filter(({ messages }) => messages.at(-1)?.content === message);

/** A conversation id from a message. */
export const idOf = (message: string) => message.replaceAll(/[^a-z]/gi, '-');
