#[allow(dead_code)]
fn acme(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(Vec::new())
}
::core::compile_error! {
    "a provider says which events it sends: `emits(OrderPlaced)`, or `emits(\"acme/*\")`"
}
