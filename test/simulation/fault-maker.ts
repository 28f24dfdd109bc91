import type { Random } from '../chaos/random.ts'
import type { Simulation } from './simulation.ts'

const kinds = ['kill', 'kill', 'power', 'power', 'stop', 'full', 'broken', 'locked', 'locked', 'clock'] as const
type Kind = (typeof kinds)[number]

/** Makes trouble at moments of its own choice. */
export class FaultMaker {
  readonly #simulation: Simulation
  readonly #random: Random

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation
    this.#random = random
  }

  async run(): Promise<void> {
    const { scheduler, scenario } = this.#simulation
    for (let count = 0; count < scenario.interruptions; count++) {
      await scheduler.sleep(this.#random.chance(0.3) ? this.#random() * 30 : this.#random() * 1_200)
      const possible = scenario.isRefusing ? kinds : kinds.filter(kind => kind !== 'full' && kind !== 'locked')
      await this.#make(this.#random.pick<Kind>(possible))
    }
    await scheduler.sleep(this.#random() * 500)
  }

  async #make(kind: Kind): Promise<void> {
    const { machine, scheduler } = this.#simulation
    const random = this.#random
    this.#simulation.note(`trouble: ${kind}`)
    switch (kind) {
      case 'kill':
        return machine.kill()
      case 'power':
        return machine.losePower()
      case 'stop':
        return machine.stop(random.pick([0, 20, 400, 30_000]))
      case 'full': {
        machine.disk.faults.fullShare = 0.3
        await scheduler.sleep(random() * 1_500)
        machine.disk.faults.fullShare = 0
        return
      }
      case 'broken': {
        // What was on its way to a disk that fails is nobody's any more: the machine has to begin from what the disk has.
        machine.disk.faults.failureShare = 0.2
        await scheduler.sleep(random() * 200)
        if (machine.disk.faults.failureShare === 0) machine.losePower()
        machine.disk.faults.failureShare = 0
        return
      }
      case 'locked': {
        machine.isStoreLocked = true
        await scheduler.sleep(random() * 3_000)
        machine.isStoreLocked = false
        return
      }
      case 'clock':
        scheduler.wallOffsetMs += (random() - 0.5) * 20_000
    }
  }
}
