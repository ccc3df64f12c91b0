import { type TProperties, type TSchema, Type } from 'typebox';

/** The pieces that the schemas of this dialect are made of. */

export const text = Type.String();
export const orNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const open = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: true, ...options });
export const strict = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
export const word = <const T extends string>(...words: T[]) => Type.Enum(words);

export const FunctionTool = strict({
  type: Type.Literal('function'),
  name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  description: orNull(text),
  parameters: orNull(open({})),
  strict: orNull(Type.Boolean()),
});

export const Metadata = Type.Record(text, Type.String({ maxLength: 512 }), { maxProperties: 16 });
