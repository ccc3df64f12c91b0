import type { OnBusy } from '../client/shapes.ts';
import { useWords } from './context.ts';

interface BusyChoiceProps {
  readonly chosen: OnBusy;
  readonly choose: (choice: OnBusy) => void;
  /** Only a message that waits can be joined. */
  readonly canJoin: boolean;
}

/** What the next message does while an answer runs. */
export function BusyChoice({ chosen, choose, canJoin }: BusyChoiceProps) {
  const words = useWords();
  const choices: readonly (readonly [OnBusy, string])[] = [
    ['enqueue', words.busyEnqueue],
    ['interrupt', words.busyInterrupt],
    ...(canJoin ? ([['coalesce', words.busyCoalesce]] as const) : []),
  ];
  return (
    <fieldset className="busy">
      <legend>{words.busyAsk}</legend>
      {choices.map(([choice, name]) => (
        <label key={choice}>
          <input type="radio" name="busy" checked={chosen === choice} onChange={() => choose(choice)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
