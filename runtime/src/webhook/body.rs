//! Reading the body of a request from a stranger: bounded in bytes, in time, and in the memory of all of them together.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::limits;
use crate::rejection::Rejection;

/// Room for the bodies that are being read, in units of 1 KiB.
pub(super) struct Bodies(Semaphore);

/// A body, and its room until it is let go.
pub(super) struct ReadBody<'b> {
    pub(super) bytes: Bytes,
    _room: Option<SemaphorePermit<'b>>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self(Semaphore::new(limits::BODIES_BYTES_MAX / 1024))
    }
}

impl Bodies {
    /// Reads a body of at most `limit` bytes. Room is taken for what has arrived and not for what was announced, so that a
    /// sender who only promises holds nobody up.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body, limit: usize) -> Result<ReadBody<'_>, Rejection> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > limit) {
            return Err(too_large(limit));
        }
        let read = tokio::time::timeout(limits::BODY_TIME_MAX, self.read_frames(body, limit)).await;
        read.map_err(|_| Rejection::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive"))?
    }

    async fn read_frames(&self, mut body: Body, limit: usize) -> Result<ReadBody<'_>, Rejection> {
        let mut room: Option<SemaphorePermit<'_>> = None;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Rejection::bad_request("the body could not be read"))?;
            let Ok(data) = frame.into_data() else { continue };
            let before = length;
            length += data.len();
            if length > limit {
                return Err(too_large(limit));
            }
            let more = self.room(length.div_ceil(1024) - before.div_ceil(1024))?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            // Nearly all bodies come in one piece, which is then not copied.
            if before == 0 {
                first = data;
            } else {
                if all.is_empty() {
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
        }
        Ok(ReadBody { bytes: if all.is_empty() { first } else { all.freeze() }, _room: room })
    }

    fn room(&self, kibibytes: usize) -> Result<SemaphorePermit<'_>, Rejection> {
        let units = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        self.0.try_acquire_many(units).map_err(|_| {
            Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "too many deliveries at the same time: try again")
                .retry_after(1)
        })
    }
}

fn too_large(limit: usize) -> Rejection {
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures::stream;

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; *size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    async fn read(bodies: &Bodies, body: Body, limit: usize) -> Result<usize, StatusCode> {
        let read = bodies.read(&HeaderMap::new(), body, limit).await;
        read.map(|read| read.bytes.len()).map_err(|rejection| rejection.status())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let bodies = Bodies::default();
        assert_eq!(read(&bodies, Body::empty(), 10).await, Ok(0));
        assert_eq!(read(&bodies, chunks(&[4, 6]), 10).await, Ok(10));
        assert_eq!(read(&bodies, chunks(&[4, 7]), 10).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, 11.into());
        let announced = bodies.read(&headers, Body::empty(), 10).await;
        assert_eq!(announced.err().map(|rejection| rejection.status()), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_limit_and_give_their_room_back() {
        let bodies = Bodies::default();
        let half = limits::BODIES_BYTES_MAX / 2;
        let held = bodies.read(&HeaderMap::new(), chunks(&[half]), half).await.map_err(|_| ()).expect("has room");
        assert_eq!(read(&bodies, chunks(&[half, 1]), half + 1).await, Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(held);
        assert_eq!(read(&bodies, chunks(&[half, 1]), half + 1).await, Ok(half + 1));
    }

    #[tokio::test]
    async fn a_sender_who_only_promises_takes_no_room() {
        let bodies = Bodies::default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, limits::BODIES_BYTES_MAX.into());
        let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let waiting = bodies.read(&headers, endless, usize::MAX);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(read(&bodies, chunks(&[1024]), 1024).await, Ok(1024));
    }
}
