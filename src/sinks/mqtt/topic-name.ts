/** Longest topic MQTT can express, in bytes (a two-byte length). */
const maxTopicBytes = 65_535

/** Why nothing can be published to a topic (MQTT 3.1.1 §3.3.2.1 and §4.7), or undefined. */
export function topicNameProblem(topic: string): string | undefined {
  if (topic === '') return 'the topic is empty'
  if (/[+#]/.test(topic)) return `the topic ${JSON.stringify(topic)} contains a wildcard`
  if (topic.includes('\0')) return `the topic ${JSON.stringify(topic)} contains NUL`
  if (topic.startsWith('$')) return `the topic ${JSON.stringify(topic)} begins with $, which is the broker's own`
  if (!topic.isWellFormed()) return 'the topic is not well-formed Unicode'
  if (Buffer.byteLength(topic) > maxTopicBytes) return `the topic is longer than ${maxTopicBytes} bytes`
  return undefined
}
