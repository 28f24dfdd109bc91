// Draws harbour.jpg: `npx node examples/thumbnail/make-picture.ts` writes it anew, the same bytes each time.
import { writeFileSync } from 'node:fs'
import { encode } from 'jpeg-js'

const width = 480
const height = 320
const horizon = 190
const sun = { x: 318, y: 150, radius: 26 }

type Color = readonly [red: number, green: number, blue: number]

/** A number from 0 to 1 that depends on the place alone. */
function hash(x: number, y: number): number {
  const seed = Math.imul(x, 374_761_393) + Math.imul(y, 668_265_263)
  const mixed = Math.imul(seed ^ (seed >>> 13), 1_274_126_177)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}

/** Smooth noise from 0 to 1: clouds, water and the grain of hills. */
function noise(x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const ease = (t: number): number => t * t * (3 - 2 * t)
  const [u, v] = [ease(x - left), ease(y - top)]
  const upper = hash(left, top) * (1 - u) + hash(left + 1, top) * u
  const lower = hash(left, top + 1) * (1 - u) + hash(left + 1, top + 1) * u
  return upper * (1 - v) + lower * v
}

/** Noise in several sizes, as nature has it. */
function texture(x: number, y: number): number {
  return 0.5 * noise(x, y) + 0.25 * noise(2 * x, 2 * y) + 0.15 * noise(4 * x, 4 * y) + 0.1 * noise(8 * x, 8 * y)
}

function mix([r, g, b]: Color, [red, green, blue]: Color, share: number): Color {
  const t = Math.min(1, Math.max(0, share))
  return [r + (red - r) * t, g + (green - g) * t, b + (blue - b) * t]
}

function sky(x: number, y: number): Color {
  const evening = mix([48, 62, 110], [244, 164, 96], (y / horizon) ** 1.5)
  const clouds = texture(x / 70, y / 22) - 0.48
  const lit = mix(evening, [255, 214, 170], clouds * 2.2)
  const distance = Math.hypot(x - sun.x, y - sun.y)
  const halo = mix(lit, [255, 226, 150], 0.8 * Math.exp(-((distance / 70) ** 2)))
  return distance < sun.radius ? mix([255, 250, 225], halo, (distance - sun.radius + 1.5) / 1.5) : halo
}

/** The line of hills at a column, from far to near. */
function hill(x: number, layer: number): number {
  const wave = texture(x / (120 - layer * 25) + layer * 17, layer)
  return horizon - 10 - (62 - layer * 16) * (wave - 0.15)
}

function land(x: number, y: number): Color {
  let color = sky(x, y)
  for (const [layer, tint] of [
    [110, 92, 118],
    [72, 64, 88],
    [38, 40, 54],
  ].entries()) {
    if (y > hill(x, layer)) color = mix(tint as unknown as Color, [20, 26, 30], 0.5 * texture(x / 6, y / 6))
  }
  return color
}

function water(x: number, y: number): Color {
  const depth = (y - horizon) / (height - horizon)
  const ripple = (texture(x / (8 + 30 * depth), y / (1.2 + 5 * depth)) - 0.5) * (6 + 40 * depth)
  const mirrored = land(x + ripple * 0.6, Math.max(0, horizon - (y - horizon) * 1.1 + ripple))
  return mix(mirrored, [22, 38, 62], 0.3 + 0.35 * depth)
}

/** A small boat: hull, mast and two sails. */
function boat(x: number, y: number): Color | undefined {
  const [dx, dy] = [x - 150, y - 214]
  if (dy >= 0 && dy < 9 && Math.abs(dx) < 30 - dy) return [58, 36, 30]
  if (Math.abs(dx) < 1.2 && dy < 0 && dy > -62) return [46, 34, 30]
  if (dx > 2 && dy > -58 && dy < -4 && dx < 26 * (1 + (dy + 4) / 54)) return [236, 228, 214]
  if (dx < -2 && dy > -50 && dy < -4 && dx > -18 * (1 + (dy + 4) / 46)) return [214, 202, 190]
  return undefined
}

export function drawPicture(): Buffer {
  const data = Buffer.alloc(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = boat(x, y) ?? (y < horizon ? land(x, y) : water(x, y))
      const grain = (hash(x + 991, y + 577) - 0.5) * 5
      const at = (y * width + x) * 4
      for (const channel of [0, 1, 2] as const) data[at + channel] = Math.min(255, Math.max(0, color[channel] + grain))
      data[at + 3] = 255
    }
  }
  return encode({ width, height, data }, 72).data
}

if (import.meta.main) writeFileSync(new URL('harbour.jpg', import.meta.url), drawPicture())
