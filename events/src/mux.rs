//! What the video service Mux reports of assets and direct uploads by webhook.
//!
//! The members of an asset, rendition or upload have Mux's own names
//! (`muxinc/mux-node-sdk`, `src/resources/video/{assets,uploads}.ts`); those about the report itself do not. Addresses
//! that let their holder read or write a file (`url` of an upload, `master`) are left out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// An asset was made; it is being prepared.
#[event("mux/asset.created")]
#[derive(Default, PartialEq)]
pub struct MuxAssetCreated {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The asset.
    #[serde(flatten)]
    pub asset: MuxAsset,
}

/// An asset can be played.
#[event("mux/asset.ready", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct MuxAssetReady {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The asset.
    #[serde(flatten)]
    pub asset: MuxAsset,
}

/// An asset could not be prepared.
#[event("mux/asset.errored")]
#[derive(Default, PartialEq)]
pub struct MuxAssetErrored {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The asset.
    #[serde(flatten)]
    pub asset: MuxAsset,
}

/// An asset's properties have changed.
#[event("mux/asset.updated")]
#[derive(Default, PartialEq)]
pub struct MuxAssetUpdated {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The asset.
    #[serde(flatten)]
    pub asset: MuxAsset,
}

/// A file of an asset can be downloaded.
#[event("mux/asset.static_rendition.ready", allow_command_name)]
#[derive(Default, PartialEq)]
pub struct MuxAssetStaticRenditionReady {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The file.
    #[serde(flatten)]
    pub rendition: MuxStaticRendition,
}

/// A direct upload may begin.
#[event("mux/upload.created")]
#[derive(Default, PartialEq)]
pub struct MuxUploadCreated {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The upload.
    #[serde(flatten)]
    pub upload: MuxUpload,
}

/// An asset was made of a direct upload.
#[event("mux/upload.asset_created")]
#[derive(Default, PartialEq)]
pub struct MuxUploadAssetCreated {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The upload.
    #[serde(flatten)]
    pub upload: MuxUpload,
}

/// A direct upload was given up.
#[event("mux/upload.cancelled")]
#[derive(Default, PartialEq)]
pub struct MuxUploadCancelled {
    /// The report.
    #[serde(flatten)]
    pub report: MuxReport,
    /// The upload.
    #[serde(flatten)]
    pub upload: MuxUpload,
}

/// What Mux says about its report, as opposed to what the report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MuxReport {
    /// Mux's own name for what has happened, such as `video.asset.ready`.
    pub event_type: String,
    /// Mux's id of the report, the same when it is delivered again.
    #[serde(default)]
    pub event_id: String,
    /// When it was made, in RFC 3339.
    #[serde(default)]
    pub created_at: String,
}

/// A piece of media.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MuxAsset {
    /// Mux's id of the asset.
    pub id: String,
    /// `preparing`, `ready` or `errored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Width to height, such as `16:9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aspect_ratio: Option<String>,
    /// The highest resolution that it is delivered at, such as `1080p` or `audio-only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_tier: Option<String>,
    /// `basic`, `plus` or `premium`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_quality: Option<String>,
    /// How the media came to Mux, such as `on_demand_direct_upload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_type: Option<String>,
    /// The ids by which it is played.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub playback_ids: Vec<MuxPlaybackId>,
    /// The direct upload that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// The live stream that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_stream_id: Option<String>,
    /// Whether that live stream is on now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_live: Option<bool>,
    /// The asset that this one is a clip of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_asset_id: Option<String>,
    /// What the customer wrote on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<String>,
    /// What the customer calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<MuxMeta>,
    /// Why it could not be prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<MuxErrors>,
    /// Whether it is for a test, and deleted after a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<bool>,
}

/// An id by which an asset is played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxPlaybackId {
    /// The id.
    pub id: String,
    /// Who may play it: `public`, `signed` or `drm`.
    #[serde(default)]
    pub policy: String,
}

/// What the customer calls an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxMeta {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The customer's id of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_id: Option<String>,
    /// The customer's id of the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// Why an asset could not be prepared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxErrors {
    /// The kind of error.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The errors in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// A file of an asset that can be downloaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxStaticRendition {
    /// Mux's id of the file.
    pub id: String,
    /// The asset that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// `ready`, `preparing`, `skipped` or `errored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The file's name, such as `1080p.mp4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The ending of the file's name: `mp4` or `m4a`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext: Option<String>,
    /// The resolution that was asked for, such as `highest` or `audio-only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The resolution that it has, such as `1080p`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_tier: Option<String>,
    /// `standard` or `advanced`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u64>,
    /// The height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// Bits per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u64>,
    /// The size in bytes, as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesize: Option<String>,
    /// What the customer wrote on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<String>,
}

/// A direct upload: media that goes from a browser to Mux.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxUpload {
    /// Mux's id of the upload.
    pub id: String,
    /// `waiting`, `asset_created`, `errored`, `cancelled` or `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The asset that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<String>,
    /// How long its address is good for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// The web origin that may use the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors_origin: Option<String>,
    /// What is to become of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_asset_settings: Option<MuxNewAssetSettings>,
    /// Why no asset was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MuxUploadError>,
    /// Whether the asset will be one for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<bool>,
}

/// What is to become of a direct upload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxNewAssetSettings {
    /// What the customer writes on the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<String>,
    /// What the customer calls the asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<MuxMeta>,
}

/// Why no asset was made of a direct upload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MuxUploadError {
    /// The kind of error.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The error in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
