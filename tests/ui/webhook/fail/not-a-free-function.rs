use system_bus_runtime::prelude::*;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

#[webhook_provider(
    id = "shop",
    signature(hmac_sha256, header = "x-shop-signature", secret = "SHOP_WEBHOOK_SECRET"),
    emits(OrderPlaced),
)]
struct Shop;

fn main() {}
