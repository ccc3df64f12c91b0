import { TurnwiseError } from '../../errors.ts';

/** A refusal that names the field: what is wrong with a request of this dialect. */
export function refused(param: string | null, message: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message, ...(param === null ? {} : { details: { param } }) });
}

/**
 * Reads the fields of one JSON object by name. `null` is the same as a field left out, as in all of this dialect. Every
 * method throws invalid_request with the path of the field.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @param path  of the object in the body; empty: the body itself */
  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw refused(path || null, `${path || 'the body'} must be an object`);
    }
    this.#values = value as Readonly<Record<string, unknown>>;
    this.#path = path;
  }

  /** As they were given. */
  get all(): Readonly<Record<string, unknown>> {
    return this.#values;
  }

  get path(): string {
    return this.#path;
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  /** Refuses fields that nobody knows: they may be meant to change the answer. */
  only(known: ReadonlySet<string>): void {
    const other = Object.keys(this.#values).find((name) => !known.has(name) && this.has(name));
    if (other === undefined) return;
    // A name that a caller made up is echoed only if it looks like one.
    const shown = /^[\w.-]{1,64}$/.test(other) ? this.pathOf(other) : this.#path;
    throw refused(shown || null, `unknown parameter: ${shown || 'its name is not one'}`);
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  text(name: string, most = Number.POSITIVE_INFINITY): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.#wrong(name, 'must be a string');
    if (value.length > most) throw this.#wrong(name, `must be at most ${most} characters long`);
    return value;
  }

  needText(name: string): string {
    return this.#needed(name, this.text(name));
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw this.#wrong(name, 'must be a number');
    if (value < least || value > most) throw this.#wrong(name, `must be between ${least} and ${most}`);
    return value;
  }

  integer(name: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.number(name, least, most);
    if (value !== undefined && !Number.isInteger(value)) throw this.#wrong(name, 'must be an integer');
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value !== undefined && typeof value !== 'boolean') throw this.#wrong(name, 'must be true or false');
    return value;
  }

  oneOf<const T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    const known = values.find((one) => one === value);
    if (value !== undefined && known === undefined) {
      throw this.#wrong(name, `must be one of ${values.join(', ')}`);
    }
    return known;
  }

  object(name: string): Fields | undefined {
    return this.has(name) ? new Fields(this.raw(name), this.pathOf(name)) : undefined;
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.raw(name);
    if (value !== undefined && !Array.isArray(value)) throw this.#wrong(name, 'must be an array');
    return value;
  }

  objects(name: string): readonly Fields[] | undefined {
    return this.list(name)?.map((value, index) => new Fields(value, `${this.pathOf(name)}[${index}]`));
  }

  #needed<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw this.#wrong(name, 'is missing');
    return value;
  }

  #wrong(name: string, what: string): TurnwiseError {
    return refused(this.pathOf(name), `${this.pathOf(name)} ${what}`);
  }
}
