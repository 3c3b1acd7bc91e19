use system_bus_runtime::prelude::*;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

#[webhook_provider(id = "Shop", signature(hmac_sha256), emits(), headers("X-Shop"), limit = 2)]
async fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
