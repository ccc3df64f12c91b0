import { expect } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { RESPONSE_ERRORS } from '../../src/http/responses/error-table.ts';
import { codeIn, rowsOfTables } from '../support/markdown.ts';
import { readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

promise(
  'responses.docs.errors',
  'the page of the protocol has every error with its code, status, type and retry on this door',
  () => {
    const said = rowsOfTables(readSource('docs/protocol.md'), 'Error').filter((row) => row.length === 5);
    const real = (Object.keys(ERRORS) as ErrorCode[]).map((name) => {
      const { code, status, type } = RESPONSE_ERRORS[name];
      // A library does not repeat a 400.
      const isRepeated = ERRORS[name].retryable && status !== 400;
      return [name, code, String(status), type, isRepeated ? 'yes' : 'no'];
    });
    const cells = said.map(([name = '', code = '', status, type = '', again]) => [
      ...[codeIn(name), codeIn(code), status, codeIn(type), again],
    ]);
    expect(cells).toEqual(real);
  },
);
