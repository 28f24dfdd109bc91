/** Deepest topic that is taken: the limit of the embedded broker, whose matcher throws beyond it. */
export const maxTopicLevels = 100

/** Why a topic filter is not valid (MQTT 3.1.1 §4.7), or undefined. */
export function topicFilterProblem(filter: string): string | undefined {
  if (filter === '') return 'a topic filter must not be empty'
  if (filter.includes('\0')) return `the topic filter ${JSON.stringify(filter)} contains NUL`
  const levels = filter.split('/')
  if (levels.length > maxTopicLevels)
    return `the topic filter has ${levels.length} levels; at most ${maxTopicLevels} are allowed`
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) {
      return `in the topic filter "${filter}", # must be the whole last level`
    }
    if (level.includes('+') && level !== '+') return `in the topic filter "${filter}", + must be a whole level`
  }
  return undefined
}

/** Whether a topic matches a valid filter. Topics that begin with $ match no filter that begins with a wildcard (§4.7.2). */
export function matchesTopicFilter(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false
  const filterLevels = filter.split('/')
  const topicLevels = topic.split('/')
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return true
    const topicLevel = topicLevels[index]
    if (topicLevel === undefined || (level !== '+' && level !== topicLevel)) return false
  }
  return filterLevels.length === topicLevels.length
}

/** Enough for every topic of a large fleet; the entries are small. */
const maxKnownTopics = 10_000

/** Finds the routes of a topic, and remembers them: devices publish to the same few topics again and again. */
export class TopicRoutes<Route> {
  readonly #entries: { readonly filter: string; readonly route: Route }[] = []
  readonly #known = new Map<string, readonly Route[]>()

  add(filter: string, route: Route): void {
    this.#entries.push({ filter, route })
    this.#known.clear()
  }

  remove(route: Route): void {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      if (this.#entries[index]?.route === route) this.#entries.splice(index, 1)
    }
    this.#known.clear()
  }

  /** Each route once, in the order in which they were added. */
  match(topic: string): readonly Route[] {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const routes = new Set<Route>()
    for (const { filter, route } of this.#entries) if (matchesTopicFilter(filter, topic)) routes.add(route)
    // A client that invents topics must not fill the memory; to start over is cheaper than to keep an order of use.
    if (this.#known.size >= maxKnownTopics) this.#known.clear()
    const found = [...routes]
    this.#known.set(topic, found)
    return found
  }
}
