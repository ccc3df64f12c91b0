import { Fields, refused } from './fields.ts';

/** The form of the answer: as a field of the model request, and as a response shows it again. */
export interface ParsedText {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly shown: Readonly<Record<string, unknown>>;
}

const TEXT = new Set(['format', 'verbosity']);
const FORMAT_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** `text`: a plain text, any JSON, or JSON of a schema. @throws invalid_request */
export function parseText(body: Fields): ParsedText {
  const text = body.object('text') ?? new Fields({}, 'text');
  text.only(TEXT);
  const verbosity = text.oneOf('verbosity', ['low', 'medium', 'high']);
  const said = verbosity === undefined ? {} : { verbosity };
  const format = text.object('format');
  switch (format?.oneOf('type', ['text', 'json_object', 'json_schema'])) {
    case 'json_object':
      return {
        parameters: { ...said, response_format: { type: 'json_object' } },
        shown: { ...said, format: { type: 'json_object' } },
      };
    case 'json_schema': {
      const schema = schemaIn(format ?? text);
      return {
        parameters: { ...said, response_format: { type: 'json_schema', json_schema: schema.forModel } },
        shown: { ...said, format: { type: 'json_schema', ...schema.shown } },
      };
    }
    default:
      if (format !== undefined && !format.has('type'))
        throw refused('text.format.type', 'text.format.type is missing');
      return { parameters: said, shown: { ...said, format: { type: 'text' } } };
  }
}

function schemaIn(format: Fields) {
  const name = format.needText('name');
  if (!FORMAT_NAME.test(name))
    throw refused('text.format.name', `text.format.name must match ${FORMAT_NAME.source}`);
  if (format.object('schema') === undefined)
    throw refused('text.format.schema', 'text.format.schema is missing');
  const schema = format.raw('schema');
  const [description, strict] = [format.text('description'), format.flag('strict')];
  return {
    forModel: {
      name,
      schema,
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
    shown: { name, description: description ?? null, schema, strict: strict ?? false },
  };
}
