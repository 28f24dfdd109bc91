import type { Handler } from 'sluice-gateway'
import type { Product } from './product.ts'

/** What a shop window needs of a product; topic and order are those of its sku. */
const publishProduct: Handler<Product> = event => {
  const { sku, name, priceCents, currency, stock } = event.data
  return {
    type: 'com.example.product.published',
    subject: sku,
    data: { sku, name, price: `${(priceCents / 100).toFixed(2)} ${currency}`, inStock: stock > 0 },
  }
}

export default publishProduct
