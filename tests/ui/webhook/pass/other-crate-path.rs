use system_bus_runtime::prelude::*;

use system_bus_runtime as bus;

#[event("ui/order.placed", crate = bus)]
struct OrderPlaced {
    number: u64,
}

#[webhook_provider(
    id = "shop",
    signature(hmac_sha256, header = "x-shop-signature", secret = "SHOP_WEBHOOK_SECRET"),
    emits(OrderPlaced),
    crate = bus,
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
