//! What a request to the endpoint says, and whether the server has sent it.

use http::{HeaderMap, Uri};

use crate::server::headers;
use crate::server::key::SigningKey;
use crate::server::settings::{Mode, ServerSettings};
use crate::server::signature::{SignatureError, verify};

/// The query of a request; what is not known is ignored.
#[derive(Debug, Default)]
pub(super) struct CallQuery {
    pub(super) function: Option<String>,
    pub(super) step: Option<String>,
    pub(super) probe: Option<String>,
    pub(super) deploy_id: Option<String>,
}

impl CallQuery {
    pub(super) fn of(uri: &Uri) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let field = match &*name {
                "fnId" => &mut query.function,
                "stepId" => &mut query.step,
                "probe" => &mut query.probe,
                "deployId" => &mut query.deploy_id,
                _ => continue,
            };
            *field = Some(value.into_owned());
        }
        query
    }
}

/// A request that may be answered.
pub(super) struct Signed<'k> {
    /// The key that signed it; none when it is not signed, which only a Dev Server's may be.
    pub(super) key: Option<&'k SigningKey>,
}

impl<'k> Signed<'k> {
    /// Checks a request (`SDK_SPEC.md` §4.1.3, §7): in cloud mode its signature must fit; in dev mode it is checked when
    /// there is one and there is a key to check it with.
    pub(super) fn check(
        settings: &'k ServerSettings,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, SignatureError> {
        let mut values = headers.get_all(headers::SIGNATURE).iter();
        let header = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => Some(value.to_str().map_err(|_| SignatureError::Malformed)?),
            // Which of two is meant cannot be told.
            (Some(_), Some(_)) => return Err(SignatureError::Malformed),
        };
        if settings.mode == Mode::Dev && (header.is_none() || settings.keys.is_empty()) {
            return Ok(Self { key: None });
        }
        verify(header, body, &settings.keys, jiff::Timestamp::now().as_second()).map(|key| Self { key: Some(key) })
    }
}
