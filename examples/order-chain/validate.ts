import type { Handler } from 'sluice-gateway'
import { problemsOf } from './order.ts'

/** First link: an order that can be carried out goes on, another one to whoever asks the customer. */
const validate: Handler<unknown, void> = ({ data, subject }, context) => {
  const problems = problemsOf(data)
  if (problems.length === 0) {
    context.emit({ type: 'com.example.order.valid', subject, data }, { sink: 'valid-orders' })
  } else {
    context.logger.info('rejected', { order: subject, problems })
    context.emit(
      { type: 'com.example.order.rejected', subject, data: { order: subject, problems } },
      { sink: 'rejected-orders' },
    )
  }
}

export default validate
