import { afterAll } from 'vitest';
import { endLeftOvers } from './left-overs.ts';

afterAll(endLeftOvers);
