//! What holds for every message of a gateway.

use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::super::frame::{self, GatewayFrame};
use super::super::proto::{
    ConnectMessage, GatewayConnectionReadyData, GatewayExecutorRequestData, GatewayMessageType, WorkerRequestAckData,
};
use super::super::{duration, limits};
use super::{message, payload};

fn any_request() -> impl Strategy<Value = GatewayExecutorRequestData> {
    let texts = prop::array::uniform10(".{0,12}");
    let blobs = prop::array::uniform3(vec(any::<u8>(), 0..40));
    (texts, blobs, prop::option::of(".{0,12}")).prop_map(|(texts, blobs, step_id)| {
        let [request_id, account_id, env_id, app_id, app_name, function_id, function_slug, run_id, lease_id, job_id] =
            texts;
        let [request_payload, system_trace_ctx, user_trace_ctx] = blobs.map(Bytes::from);
        GatewayExecutorRequestData {
            request_id,
            account_id,
            env_id,
            app_id,
            app_name,
            function_id,
            function_slug,
            step_id,
            request_payload,
            system_trace_ctx,
            user_trace_ctx,
            run_id,
            lease_id,
            job_id,
        }
    })
}

proptest! {
    #[test]
    fn bytes_are_a_message_or_an_error(bytes in vec(any::<u8>(), 0..256), kind in 0..20_i32) {
        let _ = frame::decode(&bytes);
        let message = ConnectMessage { kind, payload: bytes.into() };
        if let Ok(frame) = frame::decode(&message.encode_to_vec()) {
            let _ = format!("{frame:?}");
        }
    }

    #[test]
    fn a_request_reads_back_and_its_acknowledgement_names_it(request in any_request()) {
        let bytes = message(GatewayMessageType::GatewayExecutorRequest, &request);
        let read = frame::decode_shared(bytes.clone()).expect("is a message");
        prop_assert_eq!(&read, &GatewayFrame::Request(Box::new(request.clone())));
        let ack: WorkerRequestAckData = payload(&frame::request_ack(&request), GatewayMessageType::WorkerRequestAck);
        prop_assert_eq!((&ack.request_id, &ack.run_id), (&request.request_id, &request.run_id));
        // A message that was cut short may still be one, but not this one.
        let cut = frame::decode_shared(bytes.slice(..bytes.len() - 1)).ok();
        prop_assert_ne!(cut, Some(read));
    }

    #[test]
    fn intervals_are_within_bounds(
        texts in prop::array::uniform3("[0-9]{0,25}(\\.[0-9]{1,3})?(ns|us|µs|ms|s|m|h|)|.{0,6}"),
    ) {
        let [heartbeat_interval, extend_lease_interval, status_interval] = texts;
        let ready = GatewayConnectionReadyData { heartbeat_interval, extend_lease_interval, status_interval };
        let read = frame::decode_shared(message(GatewayMessageType::GatewayConnectionReady, &ready));
        let Ok(GatewayFrame::Ready(intervals)) = read else { panic!("{read:?}") };
        let sent = [Some(intervals.heartbeat), Some(intervals.extend_lease), intervals.status];
        for interval in sent.into_iter().flatten() {
            prop_assert!((limits::INTERVAL_MIN..=limits::INTERVAL_MAX).contains(&interval), "{:?}", interval);
        }
    }

    #[test]
    fn what_go_writes_is_read(hours in 0..1000_u64, minutes in 0..60_u64, millis in 0..60_000_u64) {
        let text = format!("{hours}h{minutes}m{}s", millis as f64 / 1000.0);
        let expected = Duration::from_secs(hours * 3600 + minutes * 60) + Duration::from_millis(millis);
        let read = duration::parse(&text).expect("is a duration");
        prop_assert!(read.abs_diff(expected) < Duration::from_micros(1), "{} is {:?}", text, read);
    }
}
