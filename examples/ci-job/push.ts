/** The body of GitHub's `push` webhook, as far as it matters here. */
export interface Push {
  readonly ref: string
  /** The newest commit. */
  readonly after: string
  readonly commits: readonly Commit[]
  readonly repository: { readonly name: string; readonly owner: { readonly login: string } }
}

export interface Commit {
  readonly id: string
  readonly message: string
  readonly added: readonly string[]
  readonly modified: readonly string[]
  readonly removed: readonly string[]
}
