/** One file of an artifact. */
export interface ArtifactFile {
  /** Relative, with `/`, without `..`, at most 200 characters of letters, digits, `.`, `_`, `-` and `/`. */
  readonly name: string
  readonly bytes: number
}

/** The code of a version: one ES module, its source map and the data files beside it. Immutable. */
export interface Artifact {
  /** SHA-256 over the names and bytes of all files, as hex. */
  readonly hash: string
  /** Sum over the files. */
  readonly bytes: number
  /** The module first. */
  readonly files: readonly ArtifactFile[]
}

/** Name of the module inside of every artifact. */
export const moduleFileName = 'index.mjs'

/** Largest sum of the files of one artifact. */
export const maxArtifactBytes = 48 * 1024 * 1024

/** Most files of one artifact. */
export const maxArtifactFiles = 64

/** Artifacts by content hash. Distributed mode keeps them in a compacted topic behind the same contract. */
export interface ArtifactStore {
  /**
   * Keeps files under the hash of their content and resolves when they are durable. Files that are kept already are not
   * written again. A crash in between leaves nothing that {@link has} would tell.
   * @param files by name; `index.mjs` is the module, `index.mjs.map` its source map.
   * @throws {SluiceError} SLUICE_FUNCTIONS_ARTIFACT for a name that is not allowed, no module, too many or too large files;
   *   SLUICE_STORE_WRITE (retryable) when the disk refuses.
   */
  put(files: ReadonlyMap<string, Uint8Array>): Promise<Artifact>
  has(hash: string): Promise<boolean>
  /** Absolute path of the module of an artifact that is kept. */
  modulePath(hash: string): string
  /** Deletes every artifact whose hash is not `isReferred` and that was not put within the last `graceMs`. Returns how many. */
  collect(isReferred: (hash: string) => boolean, graceMs: number): Promise<number>
}
