import { saveDrafts } from './memory.ts';
import type { Page } from './page.ts';

/** Sets what stands in the box of a conversation; '' names the new one. */
export function setDraft(page: Page, conversationId: string, text: string): void {
  page.store.update((state) => {
    const { [conversationId]: _, ...others } = state.drafts;
    return { ...state, drafts: text === '' ? others : { ...others, [conversationId]: text } };
  });
  saveDrafts(page.store.state.drafts);
}
