import type { Step } from './model-script.ts';
import { choice } from './model-wire.ts';

/** The model calls functions, as servers stream it: id and name first, then the arguments in pieces. */
export function callSteps(
  calls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[],
): Step[] {
  const delta = (tool: object): Step => ({ chunk: choice({ delta: { tool_calls: [tool] } }) });
  const steps = calls.flatMap(({ id, name, args }, index) => {
    const json = JSON.stringify(args);
    const middle = Math.floor(json.length / 2);
    return [
      delta({ index, id, type: 'function', function: { name, arguments: '' } }),
      delta({ index, function: { arguments: json.slice(0, middle) } }),
      delta({ index, function: { arguments: json.slice(middle) } }),
    ];
  });
  return [...steps, { finish: 'tool_calls' }];
}
