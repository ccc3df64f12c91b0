import { view } from '../state/start.ts';
import { sayIn } from '../state/turns.ts';
import { useAppState, usePage, useWords } from './context.ts';

/** An empty page shows the first step to take. */
export function Hello() {
  const words = useWords();
  const page = usePage();
  const isDemo = useAppState((state) => state.health?.demo_model === true);
  const tries = isDemo ? words.demoTries : words.tries;
  return (
    <section className="hello">
      <h2>{words.helloTitle}</h2>
      <p>{words.helloText}</p>
      <p className="dim" id="tries">
        {isDemo ? words.helloDemo : words.helloFirst}
      </p>
      <ul aria-labelledby="tries">
        {tries.map((text) => (
          <li key={text}>
            <button type="button" className="plain" onClick={() => view(sayIn(page, null, text, 'enqueue'))}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
