use system_bus_runtime::prelude::*;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

#[webhook_provider(
    id = "shop",
    signature(md5, header = "x-shop-signature", secret = "SHOP_WEBHOOK_SECRET"),
    emits(OrderPlaced),
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
