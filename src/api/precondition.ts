/** What must be true of a record when it is changed, from `if-match` and `if-none-match`. Empty: nothing. */
export interface Precondition {
  /** Its revision must be this one; `any`: it must exist. */
  readonly revision?: number | 'any'
  /** It must not exist. */
  readonly absent?: true
}

/** What a PUT or POST has made: `created` answers 201, the other 200. */
export interface Put<View> {
  readonly created: boolean
  readonly view: View
}
