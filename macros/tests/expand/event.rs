#[derive(
    ::core::fmt::Debug,
    ::system_bus_runtime::__private::serde::Serialize,
    ::system_bus_runtime::__private::serde::Deserialize,
    ::system_bus_runtime::__private::schemars::JsonSchema
)]
#[serde(crate = "::system_bus_runtime::__private::serde")]
#[schemars(crate = "::system_bus_runtime::__private::schemars")]
/// A video was downloaded.
#[derive(Default, Clone)]
pub struct VideoDownloaded {
    /// Where it is.
    pub path: String,
}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    impl __bus::EventData for VideoDownloaded {
        const NAME: &'static str = "pipeline/video.downloaded";
    }
    __bus::inventory::submit! {
        __bus::EventRegistration::of:: < VideoDownloaded > ("A video was downloaded.", &
        ["cli", "queue"], __bus::Site { file : ::core::file!(), line : 1u32, manifest_dir
        : ::core::env!("CARGO_MANIFEST_DIR"), },)
    }
};
