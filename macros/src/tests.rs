//! Golden expansions: each case calls the stages as the compiler would and compares the pretty-printed tokens.
//!
//! `UPDATE=1 cargo test -p system-bus-macros` rewrites the files below `tests/expand`.

use std::path::Path;

use proc_macro2::TokenStream;

use crate::{derive, event, expand, handler, provider};

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap()
}

/// Compares an expansion with `tests/expand/<case>.rs`.
fn check(case: &str, expansion: &TokenStream) {
    let file = syn::parse2(expansion.clone()).unwrap_or_else(|error| panic!("{error}: {expansion}"));
    let actual = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand").join(case).with_extension("rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{} differs; run with UPDATE=1 and review:\n{actual}", path.display());
}

#[test]
fn a_function_with_steps_expands() {
    let args = r#"
        id = "github/workflow-run-notify",
        event = WorkflowRunCompleted,
        concurrency(limit = 2, key = "event.data.repository"),
        role = cluster,
    "#;
    let item = r#"
        /// Tells the operator when a CI run of a watched repository ends badly.
        async fn workflow_run_notify(event: Event<WorkflowRunCompleted>, step: Step, gateway: Gateway) -> Result<Verdict> {
            let verdict = step.run("classify", classify(&event.data)).await?;
            if verdict.bad {
                step.sleep("cool-down", Duration::from_secs(30)).await;
                step.run("notify", gateway.notify("ci.failed", &verdict)).await?;
            }
            Ok(verdict)
        }
    "#;
    check("function", &expand::function(tokens(args), tokens(item)));
}

#[test]
fn every_word_expands() {
    let args = r#"
        id = "all-words", event = One, event(Two, if = "event.data.ok"), cron = "TZ=Europe/Berlin 0 9 * * 1",
        role = host, name = "All words", retries = 2, concurrency = 3,
        concurrency(limit = 1, key = "'x'", scope = account), throttle(limit = 1, period = "90s", burst = 2, key = "k"),
        rate_limit(limit = 1, period = "1h", key = "k"), debounce(period = "45s", key = "k", timeout = "3m"),
        priority(run = "60"), singleton(key = "k", mode = cancel),
        cancel_on(event = Gone, if = "event.data.id == async.data.id", timeout = "1h"),
        timeouts(start = "10m", finish = "1h30m"), on_failure = companion::tell,
        checkpoint(buffered_steps = 10, max_interval = "500ms", max_runtime = "1m"), crate = my::bus,
    "#;
    check(
        "every_word",
        &expand::function(
            tokens(args),
            tokens("pub async fn all(event: Event<Any>) -> Result<(), Failure> { Ok(()) }"),
        ),
    );
}

#[test]
fn a_failure_handler_expands() {
    let item = r#"
        /// Says that a deployment has failed.
        pub async fn deploy_failed(failure: Failure<DeployRequested>, step: Step, gateway: Gateway) -> Result<()> {
            step.run("tell", gateway.notify("deploy.failed", &failure.event.data)).await?;
            Ok(())
        }
    "#;
    check("handler", &handler::expand(tokens("retries = 3"), tokens(item)));
}

#[test]
fn a_failure_handler_with_a_mistake_leaves_a_type() {
    let item = "async fn deploy_failed(event: Event<DeployRequested>) -> Result<()> { Ok(()) }";
    check("handler_mistake", &handler::expand(tokens("id = \"a\""), tokens(item)));
}

#[test]
fn the_presets_of_checkpoints_expand() {
    for (written, constant) in [
        ("checkpoint", "SAFE"),
        ("checkpoint = safe", "SAFE"),
        ("checkpoint = blended", "BLENDED"),
        ("checkpoint = performant", "PERFORMANT"),
        ("checkpoint = off", "OFF"),
    ] {
        let args = format!(r#"id = "a", cron = "0 9 * * 1", {written}"#);
        let expansion = expand::function(tokens(&args), tokens("async fn a() -> Result<()> { Ok(()) }"));
        assert!(expansion.to_string().contains(&format!("Checkpoint :: {constant}")), "{written}: {expansion}");
    }
}

#[test]
fn every_step_is_found() {
    let item = r#"
        async fn steps(event: Events<One>, step: Step) -> Result<()> {
            let alias = &step;
            let (a, b) = tokio::join!(alias.run("join-a", work()), step.clone().run("join-b", work()));
            for id in event.iter() {
                step.run(format!("embed-{id}"), embed(id)).retries(2).await?;
            }
            let waited = step.wait_for_event::<Two>("wait").matching("async.data.id == event.data.id").timeout(hour).await?;
            tokio::select! {
                biased;
                first = step.sleep("left", hour) => step.send_event("sent-left", Two { id: 1 }).await?,
                _ = step.sleep_until("right", later) => { step.send_event("sent-right", vec![Two::new(1), Three::default()]).await?; }
            }
            step.invoke::<other::function>("call", Data { id: 1 }).await?;
            tracing::info!(answer = %step.ai().infer("ask", request).await?, "asked");
            join_all(event.iter().map(|event| step.fetch(name(event), request))).await;
            step.wait_for_signal("signal").await?;
            Ok(())
        }
    "#;
    check(
        "steps",
        &expand::function(tokens(r#"id = "steps", event = One, batch(max_size = 10, timeout = "5s")"#), tokens(item)),
    );
}

#[test]
fn a_mistake_leaves_the_function() {
    check(
        "mistake",
        &expand::function(tokens(r#"id = "Wrong", event = One"#), tokens("async fn wrong() -> Result<()> { Ok(()) }")),
    );
}

#[test]
fn an_event_expands() {
    let item = r#"
        /// A video was downloaded.
        #[derive(Default, Clone)]
        pub struct VideoDownloaded {
            /// Where it is.
            pub path: String,
        }
    "#;
    check("event", &event::expand(tokens(r#""pipeline/video.downloaded", sent_by("cli", "queue")"#), tokens(item)));
}

#[test]
fn a_provider_expands() {
    let args = r#"
        id = "acme-mail",
        signature(
            hmac_sha1, header = "x-acme-signature", prefix = "v0=", encoding = base64, also = compact,
            timestamp(header = "x-acme-time", join = ":", unit = ms, tolerance = "5m"),
            secret("ACME_SECRET", "ACME_OLD_SECRET"), lease = "acme_secret",
        ),
        signature(hmac_sha256, header = "acme-signature", timestamp(list, tolerance = "1h"), secret = "ACME_LIST_SECRET"),
        signature(ed25519, header = "x-acme-ed25519", encoding = base64, secret = "ACME_PUBLIC_KEY"),
        signature(verify = signing::verify, secret = "ACME_OTHER_SECRET"),
        delivery_id(header = "x-acme-delivery", body = "/data/id"),
        headers("x-acme-event"),
        emits(OrderPlaced, other::OrderLost, "acme/*"),
        body_mib_max = 25,
        challenge(query = "crc_token", answer = answer),
        crate = my::bus,
    "#;
    let item = r#"
        /// Turns the shop's deliveries into events.
        #[cfg(unix)]
        fn acme_mail(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
            Ok(vec![NewEvent::new(&delivery.json::<OrderPlaced>()?)?])
        }
    "#;
    check("provider", &provider::expand(tokens(args), tokens(item)));
}

#[test]
fn a_provider_with_a_mistake_leaves_the_function() {
    let item = "fn acme(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> { Ok(Vec::new()) }";
    let args = r#"id = "acme", signature(hmac_sha256, header = "x-acme", secret = "ACME_SECRET")"#;
    check("provider_mistake", &provider::expand(tokens(args), tokens(item)));
}

#[test]
fn a_union_expands() {
    check("union", &derive::expand(tokens("enum Either { One(One), Two(other::Two) }")));
}

#[test]
fn another_crate_path_leaves_no_trace_of_the_default() {
    let function = expand::function(
        tokens(r#"id = "a", cron = "0 9 * * 1", crate = my::bus"#),
        tokens("async fn a(event: Event<Cron>) -> Result<()> { Ok(()) }"),
    );
    let event = event::expand(tokens(r#""a/b.done", crate = my::bus"#), tokens("struct Done {}"));
    let union = derive::expand(tokens("#[event_union(crate = my::bus)] enum Either { One(One) }"));
    let handler = handler::expand(
        tokens("crate = my::bus"),
        tokens("async fn failed(failure: Failure<Cron>) -> Result<()> { Ok(()) }"),
    );
    let provider = provider::expand(
        tokens(r#"id = "a", signature(ed25519, header = "x", secret = "A"), emits("a/*"), crate = my::bus"#),
        tokens("fn a(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> { Ok(Vec::new()) }"),
    );
    for expansion in [function, event, union, handler, provider] {
        assert!(!expansion.to_string().contains("system_bus_runtime"), "{expansion}");
    }
}
