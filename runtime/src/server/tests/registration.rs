//! A registration that stays true.

use std::time::Duration;

use super::*;
use crate::server::registration::{Keeper, Pace};

/// A keeper that does not keep a test waiting.
fn keeper(bench: &Bench) -> Keeper {
    let pace = Pace { first: Duration::from_millis(1), max: Duration::from_millis(2), check: Duration::from_millis(1) };
    Keeper::at_pace(bench.serving.worker().clone(), bench.serving.keeper().url().clone(), pace)
}

async fn wait_until(keeper: &Keeper, is_so: impl FnMut(&super::super::registration::RegistrationState) -> bool) {
    keeper.watch().wait_for(is_so).await.expect("the keeper lives");
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_asked_until_it_is() {
    let bench = Bench::dev().await;
    bench.server.answers("/fn/register", 503, "starting").answers("/fn/register", 503, "starting");
    bench.server.answers("/fn/register", 200, json!({ "ok": true, "modified": true }));
    let keeper = keeper(&bench);
    let task = tokio::spawn(keeper.clone().run());
    wait_until(&keeper, |state| state.error.is_some()).await;
    wait_until(&keeper, |state| state.is_good()).await;
    assert_eq!(keeper.state().forgotten, 0);
    task.abort();
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_app_is_told_again() {
    let bench = Bench::dev().await;
    let ok = |modified: bool| json!({ "ok": true, "modified": modified });
    bench.server.answers("/fn/register", 200, ok(true)).answers("/fn/register", 200, ok(false));
    bench.server.answers("/fn/register", 500, "restarting");
    bench.server.answers("/fn/register", 200, ok(true)).answers("/fn/register", 200, ok(false));
    let keeper = keeper(&bench);
    let task = tokio::spawn(keeper.clone().run());
    wait_until(&keeper, |state| state.forgotten == 1).await;
    wait_until(&keeper, |state| state.is_good()).await;
    let state = keeper.state();
    assert!(state.changed_at.is_some() && state.registered_at >= state.changed_at);
    task.abort();
}
