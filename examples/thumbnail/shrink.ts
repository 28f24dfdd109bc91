/** Pixels as four bytes each: red, green, blue and opacity. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** The picture so small that its longer side has `longestSide` pixels at most; one that is small enough stays as it is. */
export function shrink(picture: Picture, longestSide: number): Picture {
  const scale = longestSide / Math.max(picture.width, picture.height)
  if (scale >= 1) return picture
  const width = Math.max(1, Math.round(picture.width * scale))
  const height = Math.max(1, Math.round(picture.height * scale))
  const data = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    const [top, bottom] = span(y, height, picture.height)
    for (let x = 0; x < width; x++) {
      const [left, right] = span(x, width, picture.width)
      average(picture, left, top, right, bottom, data, (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** The pixels of a long side that one pixel of the short side stands for. */
function span(index: number, short: number, long: number): [from: number, to: number] {
  const from = Math.floor((index * long) / short)
  return [from, Math.max(from + 1, Math.floor(((index + 1) * long) / short))]
}

/** All of them count: taking every nth pixel would make lines flicker. */
function average(
  { width, data: from }: Picture,
  left: number,
  top: number,
  right: number,
  bottom: number,
  to: Uint8Array,
  at: number,
): void {
  let [red, green, blue] = [0, 0, 0]
  for (let y = top; y < bottom; y++) {
    for (let pixel = (y * width + left) * 4; pixel < (y * width + right) * 4; pixel += 4) {
      red += from[pixel] ?? 0
      green += from[pixel + 1] ?? 0
      blue += from[pixel + 2] ?? 0
    }
  }
  const count = (right - left) * (bottom - top)
  to.set([red / count, green / count, blue / count, 255], at)
}
