/// Turns the shop's deliveries into events.
#[cfg(unix)]
fn acme_mail(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    Ok(vec![NewEvent::new(& delivery.json::< OrderPlaced > () ?) ?])
}
#[cfg(unix)]
const _: () = {
    use my::bus::__private as __bus;
    __bus::inventory::submit! {
        __bus::webhook::ProviderRegistration { id : "acme-mail", sender :
        ::core::concat!("webhook:", "acme-mail"), doc :
        "Turns the shop's deliveries into events.", signatures : &
        [__bus::webhook::Signature { scheme :
        __bus::webhook::Scheme::Signed(__bus::webhook::Signed { algorithm :
        __bus::webhook::Algorithm::HmacSha1, header : "x-acme-signature", prefix : "v0=",
        encoding : __bus::webhook::Encoding::Base64, timestamp :
        ::core::option::Option::Some(__bus::webhook::Timestamp { place :
        __bus::webhook::TimestampPlace::Header { name : "x-acme-time", join : ":" },
        unit_ms : 1i64, tolerance_ms : 300000i64 }), also :
        ::core::option::Option::Some(compact), unless : ::core::option::Option::None, }),
        secret : __bus::SecretSource { variables : & ["ACME_SECRET", "ACME_OLD_SECRET"],
        lease : ::core::option::Option::Some("acme_secret") }, },
        __bus::webhook::Signature { scheme :
        __bus::webhook::Scheme::Signed(__bus::webhook::Signed { algorithm :
        __bus::webhook::Algorithm::HmacSha256, header : "acme-signature", prefix : "",
        encoding : __bus::webhook::Encoding::Hex, timestamp :
        ::core::option::Option::Some(__bus::webhook::Timestamp { place :
        __bus::webhook::TimestampPlace::List, unit_ms : 1000i64, tolerance_ms :
        3600000i64 }), also : ::core::option::Option::None, unless :
        ::core::option::Option::None, }), secret : __bus::SecretSource { variables : &
        ["ACME_LIST_SECRET"], lease : ::core::option::Option::None }, },
        __bus::webhook::Signature { scheme :
        __bus::webhook::Scheme::Signed(__bus::webhook::Signed { algorithm :
        __bus::webhook::Algorithm::Ed25519, header : "x-acme-ed25519", prefix : "",
        encoding : __bus::webhook::Encoding::Base64, timestamp :
        ::core::option::Option::None, also : ::core::option::Option::None, unless :
        ::core::option::Option::None, }), secret : __bus::SecretSource { variables : &
        ["ACME_PUBLIC_KEY"], lease : ::core::option::Option::None }, },
        __bus::webhook::Signature { scheme :
        __bus::webhook::Scheme::Custom(signing::verify), secret : __bus::SecretSource {
        variables : & ["ACME_OTHER_SECRET"], lease : ::core::option::Option::None }, }],
        delivery_id : & [__bus::webhook::IdSource::Header("x-acme-delivery"),
        __bus::webhook::IdSource::Body { pointer : "/data/id", prefix : "" }], headers :
        & ["x-acme-event"], emits : & [__bus::webhook::Emitted::Event(< OrderPlaced as
        __bus::EventData > ::NAME), __bus::webhook::Emitted::Event(< other::OrderLost as
        __bus::EventData > ::NAME), __bus::webhook::Emitted::Family("acme/")],
        body_bytes_max : 25usize * 1024 * 1024, challenge :
        ::core::option::Option::Some(__bus::webhook::Challenge::Query { parameter :
        "crc_token", answer : answer }), normalize : acme_mail, site : __bus::Site { file
        : ::core::file!(), line : 1u32, manifest_dir :
        ::core::env!("CARGO_MANIFEST_DIR"), }, }
    }
};
