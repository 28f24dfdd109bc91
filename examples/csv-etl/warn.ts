import type { Handler } from 'sluice-gateway'

/** What reads the records: a warning for waves above four metres. */
const warn: Handler<{ buoy: string; waveM: number }> = ({ data }) =>
  data.waveM > 4 ? { type: 'com.example.high-wave', subject: data.buoy, data } : undefined
export default warn
