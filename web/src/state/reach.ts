import { ApiError } from '../client/errors.ts';
import { backoffMs, pause } from '../client/pause.ts';
import type { Page } from './page.ts';

/** Passes a request through, and notes whether the API was reached and whether it wants a key. */
export async function heard<T>(page: Page, answer: Promise<T>): Promise<T> {
  try {
    const value = await answer;
    noteUp(page);
    return value;
  } catch (error) {
    if (error instanceof ApiError) noteError(page, error);
    throw error;
  }
}

export function noteError(page: Page, error: ApiError): void {
  if (error.status === 401) page.store.update((state) => ({ ...state, auth: 'needed' }));
  if (error.code === 'unreachable') noteDown(page);
  else noteUp(page);
}

export function noteUp(page: Page): void {
  if (page.store.state.reach !== 'up') page.store.update((state) => ({ ...state, reach: 'up' }));
}

/** The API cannot be reached: asks for its health until it can. */
export function noteDown(page: Page): void {
  if (page.store.state.reach === 'down') return;
  page.store.update((state) => ({ ...state, reach: 'down' }));
  void probe(page);
}

async function probe(page: Page): Promise<void> {
  const never = new AbortController().signal;
  for (let tries = 1; page.store.state.reach === 'down'; tries += 1) {
    await pause(backoffMs(tries), never);
    await loadHealth(page);
  }
}

/** Which model answers. An unhealthy server says so too, which counts as reached. */
export async function loadHealth(page: Page): Promise<void> {
  try {
    const health = await page.client.health();
    page.store.update((state) => ({ ...state, health }));
    noteUp(page);
  } catch (error) {
    if (error instanceof ApiError) noteError(page, error);
  }
}
