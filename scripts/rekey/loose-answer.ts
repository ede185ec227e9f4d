// Answers by the schemas of the app, as a client has to take them.

/**
 * Any member may be missing: the app may have another version, or be none. So a member that the schemas rename does not compile here, and
 * one that is not there is shown as nothing. What is done with a value beyond showing it is checked first.
 */
export type Loose<Value> = Value extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]?: Loose<Value[Name]> | undefined }
    : Value
