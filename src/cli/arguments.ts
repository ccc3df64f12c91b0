import { InvalidArgumentError } from 'commander';
import { isConversationId } from '../conversation/session.ts';

export const EXIT_CODES = `
Exit codes:
  0  done
  1  failed: not found, no answer, or a check that failed
  2  the settings or the command line are not valid

Settings come from the environment; .env.example lists them all.`;

export const DEMO_MODEL_OPTION =
  'demo model to use, and to report as one, when neither OPENAI_BASE_URL nor OPENAI_API_KEY is set';

export function conversationId(text: string): string {
  if (!isConversationId(text)) throw new InvalidArgumentError('Expected 1 to 128 of A-Z a-z 0-9 . _ : @ ~ -');
  return text;
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
