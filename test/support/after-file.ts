import { afterAll } from 'vitest';
import { endLeftOvers } from '../../testkit/process/left-overs.ts';

afterAll(endLeftOvers);
