import Type, { type Static, type TSchema } from 'typebox'

/*
 * What the views have in common. Views are what the API answers, as schemas: the types of the gateway's controls and the
 * OpenAPI document come from them. They are plain JSON; a number that is not known now is null, which never means zero.
 */

const described = (description: string | undefined) => (description === undefined ? {} : { description })

export const count = (description?: string) => Type.Integer({ minimum: 0, ...described(description) })

export const known = (description?: string) => Type.Union([Type.Integer(), Type.Null()], described(description))

/** A measured number, such as a duration in ms. */
export const measured = (description?: string) => Type.Union([Type.Number(), Type.Null()], described(description))

export const nullable = <Schema extends TSchema>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], described(description))

export const timeMs = (description = 'ms since the epoch.') => Type.Integer({ description })

export const detail = Type.Optional(Type.String({ description: 'Why, in words.' }))

export const oneOf = <Values extends string[]>(values: readonly [...Values], description?: string) =>
  Type.Enum(values, described(description))

/** Grows with every change; also the entity tag of the answer. */
export const revision = count('Grows with every change. As a header: if-match: "<revision>".')

export const list = <Item extends TSchema>(item: Item) => Type.Object({ items: Type.Array(item) })

/** One page of a list that is sorted by name. */
export const namePage = <Item extends TSchema>(item: Item) =>
  Type.Object({
    items: Type.Array(item),
    next: nullable(Type.String(), 'Give it as `after` for the next page; null at the end.'),
  })

/** As {@link namePage}, as a type. */
export interface NamePage<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export type View<Schema extends TSchema> = DeepReadonly<Static<Schema>>

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T
