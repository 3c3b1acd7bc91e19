use system_bus_runtime::prelude::*;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

fn verify(_body: &[u8]) -> bool {
    true
}

#[webhook_provider(
    id = "shop",
    signature(verify = verify, secret = "SHOP_WEBHOOK_SECRET"),
    emits(OrderPlaced),
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
