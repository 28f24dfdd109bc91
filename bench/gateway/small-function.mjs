/** What the benches run: parses the body, reads two properties, returns a small result (the triggers have no sinks). */
export default function handler(event) {
  const { type, data } = event.data
  return { type, amount: data.amount }
}
