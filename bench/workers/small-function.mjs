// The function of the benchmark: reads two properties of a parsed event.
export default function handler(event) {
  const { data } = event
  if (data.device.length === 0 || data.celsius > 1000) throw new Error('implausible reading')
}

export function withResult(event) {
  const { data } = event
  return { device: data.device, hot: data.celsius > 30 }
}
