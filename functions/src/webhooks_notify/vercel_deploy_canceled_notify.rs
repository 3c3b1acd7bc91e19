//! Tells the operator that a deployment was canceled.
//!
//! Starts on `vercel/deploy.canceled`. A delivery that Vercel repeats has the same event id and starts nothing; a step
//! that runs twice sends the same message, which the gateway keeps once.

use events::vercel::VercelDeployCanceled;
use system_bus_runtime::prelude::*;

use super::vercel_deployment::{Message, Told, prompt};

/// Tells the operator that a deployment was canceled.
#[inngest_fn(
    id = "vercel-deploy-canceled-notify",
    name = "Vercel → gateway: deployment canceled",
    event = VercelDeployCanceled,
    role = host,
)]
pub async fn vercel_deploy_canceled_notify(
    event: Event<VercelDeployCanceled>,
    step: Step,
    gateway: Gateway,
) -> Result<Told> {
    let deployment = &event.data.deployment;
    let prompt = prompt("⚪", "was canceled", deployment);
    let message = Message::of(deployment, &prompt);
    let notified = step.run("notify-gateway", gateway.notify("vercel.deploy.canceled", message)).await?;
    Ok(Told::of(deployment, notified))
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::webhooks_notify::vercel_deployment::sample;

    fn harness() -> Harness {
        Harness::of::<vercel_deploy_canceled_notify>().event(VercelDeployCanceled { deployment: sample() })
    }

    #[tokio::test]
    async fn the_operator_learns_of_it() {
        let report = harness().run().await;
        assert_eq!(report.steps, ["notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "vercel.deploy.canceled");
        let heading = "## ⚪ site: production deployment was canceled\n";
        assert!(notification.payload["prompt"].as_str().is_some_and(|prompt| prompt.starts_with(heading)));
        assert_eq!(notification.payload["deploymentId"], "dpl_1");
        let told = report.value::<Told>().expect("is told");
        assert_eq!((told.notification_id, told.project_name), (notification.id.clone(), "site".to_owned()));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness().check_all().await;
    }
}
