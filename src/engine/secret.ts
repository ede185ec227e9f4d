// A value that cannot be printed by accident: everything that turns objects into text gets "[secret]".

const hidden = '[secret]'

/** A secret value. `reveal()` is the one greppable way out, allowed only in the files a test lists. */
export class Secret {
  readonly #value: string

  private constructor(value: string) {
    this.#value = value
  }

  /** Wraps a non-empty value. Throws TypeError for an empty one: no service gives out empty keys. */
  static of(value: string): Secret {
    if (typeof value !== 'string' || value === '') throw new TypeError('a secret must be a non-empty string')
    return new Secret(value)
  }

  reveal(): string {
    return this.#value
  }

  equals(other: Secret | undefined): boolean {
    return other !== undefined && this.#value === other.#value
  }

  /** A secret derived from this one, e.g. the connection string around a key. */
  map(derive: (value: string) => string): Secret {
    return Secret.of(derive(this.#value))
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden
  }
}
