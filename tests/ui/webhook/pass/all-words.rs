use system_bus_runtime::prelude::*;
use system_bus_runtime::webhook::SignedRequest;

#[event("ui/order.placed")]
struct OrderPlaced {
    number: u64,
}

fn compact(body: &[u8]) -> Option<Vec<u8>> {
    Some(body.trim_ascii().to_vec())
}

fn verify(request: &SignedRequest<'_>, secret: &[u8]) -> bool {
    request.header("x-shop-token").is_some_and(|token| token.as_bytes() == secret)
}

fn answer(token: &str, _secret: &[u8]) -> std::result::Result<serde_json::Value, &'static str> {
    if token.contains('{') { Err("is no token") } else { Ok(serde_json::json!({ "token": token })) }
}

#[webhook_provider(
    id = "shop",
    signature(
        hmac_sha1,
        header = "x-shop-signature",
        prefix = "v0=",
        encoding = base64,
        also = compact,
        timestamp(header = "x-shop-time", join = ":", unit = ms, tolerance = "5m"),
        secret("SHOP_WEBHOOK_SECRET", "SHOP_SECRET"),
        lease = "shop_webhook_secret",
    ),
    signature(hmac_sha256, header = "shop-signature", timestamp(list, tolerance = "5m"), secret = "SHOP_LIST_SECRET"),
    signature(ed25519, header = "x-shop-ed25519", encoding = base64, secret = "SHOP_PUBLIC_KEY"),
    signature(verify = verify, secret = "SHOP_OTHER_SECRET"),
    delivery_id(header = "x-shop-delivery", body = "/data/id"),
    headers("x-shop-event", "x-shop-region"),
    emits(OrderPlaced, "ui/*"),
    body_mib_max = 64,
    challenge(query = "token", answer = answer),
)]
fn shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
}

fn main() {}
