import type { WhyView } from './views/why-view.ts'

export interface WhyControl {
  /**
   * Why something runs or does not run.
   * @throws {SluiceError} SLUICE_API_NOT_FOUND for a trigger, source, stream, partition or event that is not known.
   */
  why(query: WhyQuery): Promise<WhyView>
}

/** What is asked about. Absent narrowings: every trigger that reads the stream, every stream. */
export type WhyQuery =
  | {
      readonly kind: 'event'
      readonly id: string
      readonly trigger?: string
      readonly stream?: string
      /** Newest events of each stream that are looked through, where nothing that waits has the id. */
      readonly search: number
    }
  | {
      readonly kind: 'position'
      readonly stream: string
      readonly partition: number
      readonly offset: number
      readonly trigger?: string
    }
  | { readonly kind: 'key'; readonly key: string; readonly trigger?: string; readonly stream?: string }
  | { readonly kind: 'trigger'; readonly trigger: string }
  | { readonly kind: 'source'; readonly source: string }
