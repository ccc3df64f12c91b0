import type { Bench, SectionResult } from '../bench.ts';
export async function peers(_bench: Bench): Promise<SectionResult> {
  return { tables: [], bars: [], data: null };
}
