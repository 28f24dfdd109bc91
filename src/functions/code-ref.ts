import type { Artifact } from './artifact.ts'

/** Where the code of a version lies: in the artifact store, or in a file of the user (functions of the configuration). */
export type CodeRef =
  | ({ readonly kind: 'artifact' } & Artifact)
  /** `hash` is the SHA-256 of the file, as hex; `path` is absolute. */
  | { readonly kind: 'file'; readonly path: string; readonly hash: string; readonly bytes: number }
