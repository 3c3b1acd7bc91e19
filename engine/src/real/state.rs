//! State in the embedded store.

use system_bus_runtime::service::StateStore;
use system_bus_runtime::testing::{StateSubject, check_state_store};

use super::*;

impl StateSubject for Engine {
    fn store(&self) -> Arc<dyn StateStore> {
        self.services().find::<Arc<dyn StateStore>>().unwrap()
    }

    async fn pass(&self, time: Duration) {
        self.pass_time(time).await;
    }
}

fn keeping(directory: &Path) -> Engine {
    Engine::open(&Config { directory: directory.to_owned() }, &Registry::default(), Services::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_keeps_the_contract_of_state() {
    let directory = tempfile::tempdir().unwrap();
    check_state_store(&keeping(directory.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_outlives_the_engine_and_needs_it() {
    let directory = tempfile::tempdir().unwrap();
    let engine = keeping(directory.path());
    let state = State::new(engine.store());
    state.list_append("list", &1, None).await.unwrap();
    state.list_prepend("list", &0, None).await.unwrap();
    state.acquire("lock", "run-1", Duration::from_secs(3600)).await.unwrap();
    engine.stop(Duration::ZERO).await;
    assert!(state.list_append("list", &2, None).await.unwrap_err().is_retryable());
    drop((engine, state));
    let state = State::new(keeping(directory.path()).store());
    assert_eq!(state.list::<u32>("list").await.unwrap(), [0, 1]);
}
