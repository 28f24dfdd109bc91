import assert from 'node:assert/strict'
import { parsePrometheusText, type Family } from '../telemetry/prometheus-text.ts'
import type { GatewayProcess } from './gateway-process.ts'

/** `/metrics` of a gateway, read strictly. */
export class MetricsPage {
  readonly families: ReadonlyMap<string, Family>

  private constructor(families: ReadonlyMap<string, Family>) {
    this.families = families
  }

  static async of(gateway: GatewayProcess): Promise<MetricsPage> {
    const response = await fetch(`${gateway.url}/metrics`)
    assert.equal(response.status, 200)
    return new MetricsPage(parsePrometheusText(await response.text()))
  }

  /** The sum of the samples with these labels, whatever others they have; undefined without one. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''))
    const samples = (family?.samples ?? []).filter(
      sample =>
        sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    return samples.length === 0 ? undefined : samples.reduce((sum, sample) => sum + sample.value, 0)
  }

  /** Names of the families of which a series has this value in any of its labels. */
  naming(value: string): string[] {
    const isOf = ({ samples }: Family): boolean =>
      samples.some(({ labels }) => Object.values(labels).some(each => each === value))
    return [...this.families].filter(([, family]) => isOf(family)).map(([name]) => name)
  }
}
