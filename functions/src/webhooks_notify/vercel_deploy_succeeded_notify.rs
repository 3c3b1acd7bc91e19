//! Tells the operator that a deployment has succeeded.
//!
//! Starts on `vercel/deploy.succeeded`. A delivery that Vercel repeats has the same event id and starts nothing; a step
//! that runs twice sends the same message, which the gateway keeps once.

use events::vercel::VercelDeploySucceeded;
use system_bus_runtime::prelude::*;

use super::vercel_deployment::{Message, Told, prompt};

/// Tells the operator that a deployment has succeeded.
#[inngest_fn(
    id = "vercel-deploy-succeeded-notify",
    name = "Vercel → gateway: deployment succeeded",
    event = VercelDeploySucceeded,
    role = host,
)]
pub async fn vercel_deploy_succeeded_notify(
    event: Event<VercelDeploySucceeded>,
    step: Step,
    gateway: Gateway,
) -> Result<Told> {
    let deployment = &event.data.deployment;
    let prompt = step.run("build-prompt", async { Ok::<_, Error>(prompt("✅", "has succeeded", deployment)) }).await?;
    let message = Message::of(deployment, &prompt);
    let notified = step.run("notify-gateway", gateway.notify("vercel.deploy.succeeded", message)).await?;
    Ok(Told::of(deployment, notified))
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::*;
    use crate::webhooks_notify::vercel_deployment::sample;

    fn harness() -> Harness {
        Harness::of::<vercel_deploy_succeeded_notify>().event(VercelDeploySucceeded { deployment: sample() })
    }

    #[tokio::test]
    async fn the_operator_learns_of_it() {
        let report = harness().run().await;
        assert_eq!(report.steps, ["build-prompt", "notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "vercel.deploy.succeeded");
        let heading = "## ✅ site: production deployment has succeeded\n";
        assert!(notification.payload["prompt"].as_str().is_some_and(|prompt| prompt.starts_with(heading)));
        let facts = serde_json::json!({
            "prompt": notification.payload["prompt"],
            "deploymentId": "dpl_1",
            "deploymentUrl": "site-abc.vercel.app",
            "projectName": "site",
            "target": "production",
            "gitCommitMessage": "fix: x\n\nA long story.",
            "gitBranch": "main",
        });
        assert_eq!(notification.payload, facts);
        let told = report.value::<Told>().expect("is told");
        assert_eq!((told.notification_id, told.project_name), (notification.id.clone(), "site".to_owned()));
    }

    #[tokio::test]
    async fn it_survives_failures() {
        harness().check_all().await;
    }
}
