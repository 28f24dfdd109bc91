/** Where an event stands in the log that this store keeps something of. */
export interface KeptPlace {
  readonly trigger: string
  readonly stream: string
  readonly partition: number
  readonly offset: number
}
