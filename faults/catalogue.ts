import type { Row } from './row.ts';
import { r16, r17, r22 } from './rows/clients.ts';
import { r8, r9, r10 } from './rows/failover.ts';
import { r14, r15 } from './rows/full-redis.ts';
import { r1 } from './rows/kill.ts';
import { r2, r3 } from './rows/leaving.ts';
import { r28, r29, r30, r31, r32 } from './rows/limits.ts';
import { r39 } from './rows/lock.ts';
import { r13, r13b, r13c, r13d } from './rows/lost-reply.ts';
import { r18, r19, r20, r21 } from './rows/model-faults.ts';
import { r11, r12 } from './rows/network.ts';
import { policiesRow, r26, r27, r33, r34, r38 } from './rows/order.ts';
import { r24, r25 } from './rows/pause.ts';
import { r23, r24b, r35, r36 } from './rows/process-faults.ts';
import { r4, r5, r6, r7 } from './rows/redis-restart.ts';
import { r37 } from './rows/soak.ts';

/** All rows. */
export const ROWS: readonly Row[] = [
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r13b,
  r13c,
  r13d,
  r14,
  r15,
  r16,
  r17,
  r18,
  r19,
  r20,
  r21,
  r22,
  r23,
  r24,
  r24b,
  r25,
  r26,
  r27,
  r28,
  r29,
  r30,
  r31,
  r32,
  r33,
  r34,
  r35,
  r36,
  r37,
  r38,
  r39,
  policiesRow,
];

/** Rows that need more than one machine. */
export const LEFT_OUT: readonly { readonly id: string; readonly why: string }[] = [
  { id: 'R23, clock of the Redis host', why: 'one machine has one clock; only the replica’s own is shifted' },
];

export function rowById(id: string): Row {
  const row = ROWS.find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (row === undefined)
    throw new Error(`there is no row ${id}; rows: ${ROWS.map((one) => one.id).join(' ')}`);
  return row;
}
