import { fileURLToPath } from 'node:url';
import { startChild } from '../testkit/process/child.ts';
import { freePort } from '../testkit/process/free-port.ts';
import { waitFor } from '../testkit/wait-for.ts';
import { Caller } from './exchange.ts';
import { AT_ONCE, type ModelCall, type ModelPlan } from './programs/model-plan.ts';

/** A program of the bench in its own process. */
export interface Program {
  readonly url: string;
  readonly caller: Caller;
  readonly pid: number;
  stop(): Promise<void>;
}

/** @param name  its file in `programs/` */
export async function startProgram(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const port = await freePort();
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = startChild(process.execPath, [file], {
    env: { PATH: process.env.PATH, PORT: String(port), ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  const caller = new Caller(url);
  await waitFor(async () => !child.isRunning || (await caller.call('GET', '/livez', null)) !== '', {
    timeoutMs: 20_000,
    what: `${name} to listen`,
  });
  if (!child.isRunning) throw new Error(`${name} exited:\n${child.output()}`);
  return {
    url,
    caller,
    pid: child.pid,
    async stop() {
      caller.close();
      await child.stop();
    },
  };
}

export const startPassthrough = (modelUrl: string) => startProgram('passthrough', { MODEL_URL: modelUrl });

export const startBareProxy = (modelUrl: string) => startProgram('bare-proxy', { MODEL_URL: modelUrl });

export interface Model extends Program {
  /** What OPENAI_BASE_URL takes. */
  readonly baseUrl: string;
  follow(script: Partial<ModelPlan>): Promise<void>;
  /** Releases all waiting calls. */
  release(): Promise<void>;
  /** The calls since the previous request. */
  calls(): Promise<readonly ModelCall[]>;
  /** The body of the last call, as it came. */
  lastBody(): Promise<string>;
  lastPrompt(): Promise<{ readonly messages: number; readonly bytes: number }>;
}

/** @param deltas  pieces of an answer unless a section says otherwise */
export async function startModel(deltas: number): Promise<Model> {
  const program = await startProgram('model');
  const { caller } = program;
  const follow = async (script: Partial<ModelPlan>) => {
    await caller.call('POST', '/script', JSON.stringify({ deltas, ...AT_ONCE, ...script }));
  };
  await follow({});
  return {
    ...program,
    baseUrl: `${program.url}/v1`,
    follow,
    release: async () => {
      await caller.call('POST', '/release', '');
    },
    calls: async () => JSON.parse(await caller.call('GET', '/calls', null)),
    lastBody: () => caller.call('GET', '/last-body', null),
    lastPrompt: async () => JSON.parse(await caller.call('GET', '/last', null)),
  };
}

/** Seconds of CPU that a program or a replica has used, from its metrics. */
export async function cpuSeconds(caller: Caller): Promise<number> {
  const text = await caller.call('GET', '/metrics', null);
  const [, value] = /^process_cpu_seconds_total (\S+)$/m.exec(text) ?? [];
  if (value === undefined) throw new Error('no process_cpu_seconds_total in /metrics');
  return Number(value);
}
