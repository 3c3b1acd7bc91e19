//! An input as a request.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers in their order; a name may be there more than once.
pub(super) type Headers<'a> = Vec<(&'a str, &'a str)>;

/// Takes an input apart. Lines that are no header are passed over.
pub(super) fn request(data: &[u8]) -> (Headers<'_>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = data;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        headers.extend(std::str::from_utf8(line).ok().and_then(header));
    }
    (headers, rest)
}

fn header(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(": ")?;
    let is_header = HeaderName::try_from(name).is_ok() && HeaderValue::from_bytes(value.as_bytes()).is_ok();
    is_header.then_some((name, value))
}

/// The value of a header that is there once and is text.
pub(super) fn value<'a>(headers: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)).then_some(value)
}

/// The headers as a server has them.
pub(super) fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_bytes(value.as_bytes())) {
            map.append(name, value);
        }
    }
    map
}
