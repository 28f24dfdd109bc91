import { lockDataDirectory } from '../../../src/log/embedded/data-dir-lock.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'

/** A process that takes the lock of the directory it is given, tells its parent how it went, and stays. */
try {
  await lockDataDirectory(process.argv[2]!)
  process.send!('locked')
} catch (error) {
  process.send!(SluiceError.from(error).code)
}
process.on('disconnect', () => process.exit())
