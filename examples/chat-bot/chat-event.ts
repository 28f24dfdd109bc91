/** A request of Slack's Events API, as far as it matters here; other chats differ in names. */
export type ChatRequest =
  | { readonly type: 'url_verification'; readonly challenge: string }
  | { readonly type: 'event_callback'; readonly event_id: string; readonly event: ChatEvent }

export interface ChatEvent {
  readonly type: string
  readonly channel: string
  readonly text: string
  /** Time of the message, which is its name, too. */
  readonly ts: string
  /** Of the thread that it stands in. */
  readonly thread_ts?: string
  /** Of messages by bots. */
  readonly bot_id?: string
}
