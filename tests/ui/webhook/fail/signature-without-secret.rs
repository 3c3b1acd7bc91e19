use system_bus_runtime::prelude::*;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

#[webhook_provider(
    id = "shop",
    signature(hmac_sha256, header = "x-shop-signature"),
    emits(OrderPlaced),
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
