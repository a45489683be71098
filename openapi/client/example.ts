/**
 * A guest looks, fills a cart and orders for pickup:
 * `node example.ts http://127.0.0.1:8000 pk_… SKU STORE`
 */
import { hylla, intent, must, type Schemas } from "./client.ts";

declare const process: { argv: string[] };

const [address = "http://127.0.0.1:8000", key = "", sku = "", store = ""] = process.argv.slice(2);
const shop = hylla(address, key);

const seen = must(
  await shop.GET("/v1/availability/{sku}", {
    params: { path: { sku }, query: { store: [store] } },
  }),
);
console.log(`${seen.sku}:`, seen.stores.map((place) => `${place.name} ${place.status}`).join(", "));

const cart = must(await shop.POST("/v1/carts", { body: { currency: "SEK" } }));
const guest = { "Cart-Token": cart.token ?? "" };
const fulfilment: Schemas["FulfilmentMethod"] = { method: "pickup", store };
must(
  await shop.PUT("/v1/carts/{cart}/lines/{sku}", {
    params: { path: { cart: cart.id, sku }, header: guest },
    body: { quantity: 1, fulfilment },
  }),
);

const order = must(
  await shop.POST("/v1/carts/{cart}/checkout", {
    params: { path: { cart: cart.id }, header: { ...guest, "Idempotency-Key": intent() } },
    body: {
      contact: { name: "Sample Customer", email: "sample@example.com" },
      payment: { method: "pay_at_pickup" },
    },
  }),
);
console.log(`${order.id}: ${order.state}, to pay ${order.totals.to_pay.amount} ${order.currency}`);
