import { expect } from 'vitest';
import { BulkGate } from '../../src/redis/turns/bulk-gates.ts';
import { promise } from './promises.ts';

/** Named sends that the test completes, in the order in which they were let out. */
function sender(gate: BulkGate) {
  const out: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const send = (name: string, bytes: number) => {
    const end = Promise.withResolvers<void>();
    ends.set(name, end);
    return gate.pass(bytes, () => {
      out.push(name);
      return end.promise;
    });
  };
  const settle = async (name: string, error?: Error) => {
    if (error === undefined) ends.get(name)?.resolve();
    else ends.get(name)?.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { out, send, settle };
}

promise(
  'bulk-gate.line',
  'large writes go out in order, as many as fit, small ones at once, and a failed one frees its room',
  async () => {
    const gate = new BulkGate();
    const { out, send, settle } = sender(gate);
    const failing = send('a', 300_000);
    const rest = [send('b', 200_000), send('c', 100_000), send('d', 900_000), send('e', 20_000)];
    expect(out).toEqual(['a', 'b']);
    expect(gate.passNow(20_000, async () => 'sent')).toBeNull();
    rest.push(send('small', 10_000));
    expect(out).toEqual(['a', 'b', 'small']);
    const failed = expect(failing).rejects.toThrow('lost');
    await settle('a', new Error('lost'));
    await failed;
    expect(out).toEqual(['a', 'b', 'small', 'c']);
    // Larger than the whole room: goes out when nothing else is in flight.
    await settle('b');
    expect(out).toHaveLength(4);
    await settle('c');
    expect(out).toEqual(['a', 'b', 'small', 'c', 'd']);
    await settle('d');
    expect(out.at(-1)).toBe('e');
    await settle('e');
    expect(await gate.passNow(400_000, async () => 'sent')).toBe('sent');
    await settle('small');
    await Promise.all(rest);
  },
);
