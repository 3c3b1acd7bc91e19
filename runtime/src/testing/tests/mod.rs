//! Tests of the test kit: runs, answers, limits, and checks that must find what is wrong.

mod answers;
mod checks;
mod doubles;
mod failures;
mod limits;
mod outbound;
mod refusals;
mod retries;
mod runs;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Event, EventData};
use crate::function::{
    Context, FromContext, Function, FunctionConfig, FunctionFuture, FunctionRegistration, FunctionResult, Trigger,
};
use crate::registry::Site;
use crate::service::{Gateway, State};
use crate::step::Step;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct DeployRequested {
    service: String,
}

impl EventData for DeployRequested {
    const NAME: &'static str = "test/deploy.requested";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Approved {
    by: String,
}

impl EventData for Approved {
    const NAME: &'static str = "test/deploy.approved";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Deployed {
    service: String,
}

impl EventData for Deployed {
    const NAME: &'static str = "test/service.deployed";
}

/// Another function, known by name only.
struct Build;

impl Function for Build {
    type Input = String;
    type Output = u32;
    const ID: &'static str = "test/build";
}

/// A service that the function is given.
#[derive(Clone, Default)]
struct Cluster(Arc<AtomicUsize>);

impl Cluster {
    fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl FromContext for Cluster {
    fn from_context(context: &Context) -> Result<Self> {
        context.service()
    }
}

/// A function with every kind of step, as an author would write it.
async fn deploy(
    event: Event<DeployRequested>,
    step: Step,
    gateway: Gateway,
    state: State,
    cluster: Cluster,
) -> Result<String> {
    let service = event.data.service;
    let build = step.invoke::<Build>("build", service.clone()).await?;
    let Some(approval) = step.wait_for_event::<Approved>("approval").await? else {
        step.run("tell-refused", gateway.notify("deploy.refused", &service)).await?;
        return Ok("refused".to_owned());
    };
    let apply = async {
        cluster.add();
        Ok::<_, Error>(build + 1)
    };
    let (applied, _) = tokio::join!(step.run("apply", apply), step.run("remember", state.set("last", &service, None)));
    step.sleep("settle", std::time::Duration::from_secs(60)).await;
    step.send_event("announce", Deployed { service: service.clone() }).await?;
    step.run("tell", gateway.notify("deploy.done", &service)).await?;
    Ok(format!("{service} {} by {}", applied?, approval.data.by))
}

fn call_deploy(context: &Context) -> Result<FunctionFuture> {
    let event = Event::from_context(context)?;
    let (step, gateway) = (Step::from_context(context)?, Gateway::from_context(context)?);
    let (state, cluster) = (State::from_context(context)?, Cluster::from_context(context)?);
    Ok(Box::pin(async move { deploy(event, step, gateway, state, cluster).await.encode() }))
}

const SITE: Site = Site { file: file!(), line: 0, manifest_dir: env!("CARGO_MANIFEST_DIR") };

static DEPLOY: FunctionRegistration = {
    let mut config = FunctionConfig::new("test/deploy");
    config.triggers = &[Trigger::Event { name: DeployRequested::NAME, expression: None }];
    FunctionRegistration { config, call: call_deploy, site: SITE }
};

/// A function of the gateway alone, for those that misuse it.
fn notifying<F>(code: fn(Step, Gateway) -> F) -> impl Fn(&Context) -> Result<FunctionFuture>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    move |context| {
        let future = code(Step::from_context(context)?, Gateway::from_context(context)?);
        Ok(Box::pin(async move { future.await.encode() }))
    }
}

/// A registration of `call`, as the macro would make one.
fn registration(call: fn(&Context) -> Result<FunctionFuture>) -> &'static FunctionRegistration {
    Box::leak(Box::new(FunctionRegistration { config: FunctionConfig::new("test/function"), call, site: SITE }))
}
