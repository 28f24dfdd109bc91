import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Model } from '../../examples/model-scoring/model.ts'
import { readFlowers, trainModel } from '../../examples/model-scoring/train.ts'
import { requestJson } from '../e2e/request-json.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'

interface Score {
  readonly species: string
  readonly probabilities: Readonly<Record<string, number>>
}

const read = (name: string) => readFileSync(exampleFile('model-scoring', name), 'utf8')
const model = JSON.parse(read('model.json')) as Model

describe('the model scoring example', () => {
  let gateway: ExampleGateway
  beforeAll(async () => void (gateway = await startExample('model-scoring')))
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
  })

  const score = (body: unknown) => requestJson<Score>(gateway.url, 'POST', '/score', body)

  it('is as good as it says on flowers that it was not trained on', async () => {
    const { features, heldOut } = readFlowers()
    const answers = await Promise.all(
      heldOut.map(({ values }) => score(Object.fromEntries(features.map((name, i) => [name, values[i]])))),
    )
    const right = answers.filter(({ body }, index) => body.species === heldOut[index]?.species).length
    expect({ heldOut: heldOut.length, right }).toEqual(model.accuracy)
    expect(read('README.md')).toContain(`Of the 30 flowers that it has not seen it names ${right} rightly`)
    for (const { body } of answers) {
      const shares = Object.values(body.probabilities)
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 3)
      expect(body.probabilities[body.species]).toBe(Math.max(...shares))
    }
  })

  it.each([
    [{ sepal_length: 6.3, sepal_width: 3.3, petal_width: 'wide' }, 'not a number: petal_length, petal_width'],
    [undefined, 'not a number: sepal_length, sepal_width, petal_length, petal_width'],
  ])('says what is missing in %j', async (flower, error) => {
    expect(await score(flower)).toMatchObject({ status: 400, body: { error } })
  })

  it('ships the model that training makes', () => {
    expect(trainModel()).toEqual(model)
  })
})
