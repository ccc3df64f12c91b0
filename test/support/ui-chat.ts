import { Chat } from '@ai-sdk/react';
import { type ChatInit, DefaultChatTransport, type UIMessage } from 'ai';

/** What `useChat` drives, without React, against one replica. */
export function uiChat(at: { readonly url: string }, id: string, init: Partial<ChatInit<UIMessage>> = {}) {
  const transport = new DefaultChatTransport({ api: `${at.url}/api/ui/chat`, body: bodyOf(init) });
  const { tools: _, ...rest } = init as { tools?: unknown };
  const errors: Error[] = [];
  const chat = new Chat<UIMessage>({ id, transport, onError: (error) => errors.push(error), ...rest });
  return { chat, errors, text: () => textOf(chat.lastMessage) };
}

function bodyOf(init: object): object {
  return 'tools' in init ? { tools: init.tools } : {};
}

export function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The tools that a chat's client runs, as the server takes them. */
export const WEATHER_TOOL = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
} as const;
