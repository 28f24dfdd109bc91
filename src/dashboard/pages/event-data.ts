const mostShown = 16_384

/** Data of an event for people: JSON laid out, other text as it is, and what is no text as hex. */
export function textOfData(base64: string | null | undefined): string {
  if (base64 === null || base64 === undefined) return 'none'
  const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0))
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return shortened(layOut(text))
  } catch {
    const hex = [...bytes.subarray(0, 512)].map(byte => byte.toString(16).padStart(2, '0')).join(' ')
    return bytes.length > 512 ? `${hex} …` : hex
  }
}

function layOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}

const shortened = (text: string): string => (text.length > mostShown ? `${text.slice(0, mostShown)}\n…` : text)
