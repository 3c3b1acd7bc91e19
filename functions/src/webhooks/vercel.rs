//! Vercel's webhook: what becomes of deployments.
//!
//! A delivery is signed with HMAC-SHA1 over its raw body, with the webhook's own secret or, for an integration, with its
//! client secret ([vendor](https://vercel.com/docs/webhooks/webhooks-api)). Three of the types also exist with a hyphen,
//! from an older version; they are the same events.

use std::collections::BTreeMap;

use events::vercel::{
    VercelDeployCanceled, VercelDeployCreated, VercelDeployError, VercelDeployPromoted, VercelDeployReady,
    VercelDeploySucceeded, VercelDeployment,
};
use serde_json::Value;
use system_bus_runtime::prelude::*;

use crate::text_or_number::TextOrNumber;

/// Turns Vercel's deliveries into events.
#[webhook_provider(
    id = "vercel",
    signature(
        hmac_sha1,
        header = "x-vercel-signature",
        secret = "VERCEL_WEBHOOK_SECRET",
        lease = "vercel_webhook_secret",
    ),
    delivery_id(body = "/id"),
    emits(
        VercelDeployCreated,
        VercelDeploySucceeded,
        VercelDeployError,
        VercelDeployCanceled,
        VercelDeployReady,
        VercelDeployPromoted,
    )
)]
fn vercel(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    let Kind { kind } = delivery.json()?;
    let event: fn(VercelDeployment) -> Result<NewEvent> = match kind.as_str() {
        "deployment.created" => |deployment| NewEvent::new(&VercelDeployCreated { deployment }),
        "deployment.succeeded" => |deployment| NewEvent::new(&VercelDeploySucceeded { deployment }),
        "deployment.error" | "deployment-error" => |deployment| NewEvent::new(&VercelDeployError { deployment }),
        "deployment.canceled" | "deployment-canceled" => {
            |deployment| NewEvent::new(&VercelDeployCanceled { deployment })
        }
        "deployment.ready" | "deployment-ready" => |deployment| NewEvent::new(&VercelDeployReady { deployment }),
        "deployment.promoted" => |deployment| NewEvent::new(&VercelDeployPromoted { deployment }),
        _ => return Ok(Vec::new()),
    };
    let body: Body = delivery.json()?;
    let mut key = format!("vercel-{}-{}", kind.replace('-', "."), delivery.id);
    if let Some(created_at) = &body.created_at {
        key = format!("{key}-{created_at}");
    }
    Ok(vec![event(deployment(body.payload))?.with_id(key)])
}

fn deployment(payload: Payload) -> VercelDeployment {
    let Payload { deployment, project, links, .. } = payload;
    let project = project.unwrap_or_default();
    let links = links.unwrap_or_default();
    let meta = deployment.meta.unwrap_or_default();
    let (owner, repository) = (text(&meta, "githubCommitOrg"), text(&meta, "githubCommitRepo"));
    VercelDeployment {
        deployment_id: deployment.id,
        deployment_url: deployment.url.unwrap_or_default(),
        project_name: deployment.name.or(payload.name).unwrap_or_default(),
        project_id: project.id.or(payload.project_id).unwrap_or_default(),
        target: payload.target.unwrap_or_default(),
        plan: payload.plan.unwrap_or_default(),
        regions: payload.regions.unwrap_or_default(),
        dashboard_url: links.deployment.unwrap_or_default(),
        project_dashboard_url: links.project.unwrap_or_default(),
        git_commit_sha: of_commit(&meta, "CommitSha"),
        git_commit_message: of_commit(&meta, "CommitMessage"),
        git_commit_author: of_commit(&meta, "CommitAuthorName"),
        git_branch: of_commit(&meta, "CommitRef"),
        git_repo: owner.zip(repository).map(|(owner, name)| format!("{owner}/{name}")).unwrap_or_default(),
    }
}

/// What is said of the commit by whichever host the repository has.
fn of_commit(meta: &Meta, field: &str) -> String {
    let mut hosts = ["github", "gitlab", "bitbucket"].iter();
    hosts.find_map(|host| text(meta, &format!("{host}{field}"))).unwrap_or_default().to_owned()
}

fn text<'a>(meta: &'a Meta, field: &str) -> Option<&'a str> {
    meta.get(field)?.as_str().filter(|text| !text.is_empty())
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

// Vercel's payloads, as far as they are used. Any field but the deployment's id may be missing or null.

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// Documented as a number on one page and as a date on another.
    created_at: Option<TextOrNumber>,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    deployment: Deployment,
    name: Option<String>,
    project: Option<Project>,
    project_id: Option<String>,
    target: Option<String>,
    plan: Option<String>,
    regions: Option<Vec<String>>,
    links: Option<Links>,
}

#[derive(Deserialize)]
struct Deployment {
    id: String,
    url: Option<String>,
    name: Option<String>,
    meta: Option<Meta>,
}

/// What Vercel and its users note on a deployment.
type Meta = BTreeMap<String, Value>;

#[derive(Default, Deserialize)]
struct Project {
    id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Links {
    deployment: Option<String>,
    project: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use system_bus_runtime::testing::WebhookHarness;

    use super::*;

    // Vercel publishes no example with its secret.
    const SECRET: &str = "vercel-test-secret";
    const SIGNATURE: &str = "005d7518968b6f0cbfd3f44684740e893365139f";
    const BODY: &str = concat!(
        r#"{"id":"uev_1","type":"deployment.succeeded","createdAt":1735787045123,"region":"sfo1","#,
        r#""payload":{"team":{"id":"team_1"},"user":{"id":"user_1"},"deployment":{"id":"dpl_1","#,
        r#""meta":{"githubCommitSha":"abc123","githubCommitMessage":"fix: x","githubCommitAuthorName":"Ada","#,
        r#""githubCommitRef":"main","githubCommitOrg":"acme","githubCommitRepo":"site"},"#,
        r#""url":"site-abc.vercel.app","name":"site"},"links":{"deployment":"https://vercel.com/acme/site/dpl_1","#,
        r#""project":"https://vercel.com/acme/site"},"target":"production","project":{"id":"prj_1"},"#,
        r#""plan":"pro","regions":["sfo1"]}}"#
    );

    fn vercel() -> WebhookHarness {
        WebhookHarness::of("vercel").secret("VERCEL_WEBHOOK_SECRET", SECRET)
    }

    fn event(body: &Value) -> (String, String, Value) {
        vercel().event(&[], body.to_string())
    }

    /// A delivery with little but this type.
    fn of_type(kind: &str) -> Value {
        json!({ "id": "uev_2", "type": kind, "createdAt": 7, "payload": { "deployment": { "id": "dpl_2" } } })
    }

    #[test]
    fn a_deployment_becomes_its_event() {
        let (name, key, data) = vercel().event(&[], BODY);
        assert_eq!(name, "vercel/deploy.succeeded");
        assert_eq!(key, "vercel-deployment.succeeded-uev_1-1735787045123");
        let expected = json!({
            "deploymentId": "dpl_1",
            "deploymentUrl": "site-abc.vercel.app",
            "projectName": "site",
            "projectId": "prj_1",
            "target": "production",
            "plan": "pro",
            "regions": ["sfo1"],
            "dashboardUrl": "https://vercel.com/acme/site/dpl_1",
            "projectDashboardUrl": "https://vercel.com/acme/site",
            "gitCommitSha": "abc123",
            "gitCommitMessage": "fix: x",
            "gitCommitAuthor": "Ada",
            "gitBranch": "main",
            "gitRepo": "acme/site",
        });
        assert_eq!(data, expected);
    }

    #[test]
    fn what_only_resembles_a_delivery_is_refused() {
        vercel().check_refusals(&[("x-vercel-signature", SIGNATURE)], BODY);
    }

    #[test]
    fn each_type_has_its_event() {
        for (kind, expected) in [
            ("deployment.created", "vercel/deploy.created"),
            ("deployment.succeeded", "vercel/deploy.succeeded"),
            ("deployment.error", "vercel/deploy.error"),
            ("deployment.canceled", "vercel/deploy.canceled"),
            ("deployment.ready", "vercel/deploy.ready"),
            ("deployment.promoted", "vercel/deploy.promoted"),
        ] {
            let (name, key, data) = event(&of_type(kind));
            assert_eq!((name.as_str(), key), (expected, format!("vercel-{kind}-uev_2-7")));
            assert_eq!(data["deploymentId"], "dpl_2");
        }
    }

    #[test]
    fn the_older_names_are_the_same_events() {
        for kind in ["deployment.error", "deployment.canceled", "deployment.ready"] {
            assert_eq!(event(&of_type(&kind.replace('.', "-"))), event(&of_type(kind)));
        }
    }

    #[test]
    fn other_types_are_of_no_interest() {
        for kind in
            ["deployment.rollback", "deployment.cleanup", "deployment-created", "project.created", "constructor", ""]
        {
            assert!(vercel().events(&[], of_type(kind).to_string()).is_empty(), "{kind}");
            assert!(vercel().events(&[], json!({ "type": kind }).to_string()).is_empty(), "{kind}");
        }
    }

    #[test]
    fn the_time_is_a_number_or_a_text_and_never_the_clock() {
        let mut body = of_type("deployment.ready");
        body["createdAt"] = json!("2025-01-02T03:04:05Z");
        assert_eq!(event(&body).1, "vercel-deployment.ready-uev_2-2025-01-02T03:04:05Z");
        for without in [
            json!({ "type": "deployment.ready", "id": "uev_2", "payload": { "deployment": { "id": "dpl_2" } } }),
            json!({ "type": "deployment.ready", "id": "uev_2", "createdAt": null,
                "payload": { "deployment": { "id": "dpl_2" } } }),
        ] {
            assert_eq!(event(&without).1, "vercel-deployment.ready-uev_2");
        }
    }

    #[test]
    fn a_delivery_without_an_id_is_known_by_its_body() {
        let body = json!({ "type": "deployment.ready", "payload": { "deployment": { "id": "dpl_2" } } });
        let key = event(&body).1;
        assert!(key.starts_with("vercel-deployment.ready-body-"), "{key}");
        assert_eq!(key, vercel().at(1).event(&[], body.to_string()).1);
    }

    #[test]
    fn missing_and_null_fields_have_defaults() {
        let nothing = json!({
            "id": "uev_2", "type": "deployment.ready", "createdAt": 7, "region": null,
            "payload": {
                "team": null, "deployment": { "id": "dpl_2", "url": null, "name": null, "meta": null },
                "name": null, "project": null, "projectId": null, "target": null, "plan": null, "regions": null,
                "links": null,
            },
        });
        let (_, _, data) = event(&nothing);
        assert_eq!(data, event(&of_type("deployment.ready")).2);
        let expected = VercelDeployReady {
            deployment: VercelDeployment { deployment_id: "dpl_2".to_owned(), ..VercelDeployment::default() },
        };
        assert_eq!(serde_json::from_value::<VercelDeployReady>(data).ok(), Some(expected));
    }

    #[test]
    fn one_field_stands_in_for_another() {
        let mut body = of_type("deployment.ready");
        body["payload"]["name"] = json!("site");
        body["payload"]["projectId"] = json!("prj_1");
        body["payload"]["deployment"]["meta"] = json!({
            "githubCommitSha": "", "gitlabCommitSha": "abc123", "gitlabCommitRef": "main",
            "bitbucketCommitMessage": "fix: x", "githubCommitAuthorName": 7, "githubCommitOrg": "acme",
        });
        let (_, _, data) = event(&body);
        assert_eq!((&data["projectName"], &data["projectId"]), (&json!("site"), &json!("prj_1")));
        assert_eq!((&data["gitCommitSha"], &data["gitBranch"]), (&json!("abc123"), &json!("main")));
        assert_eq!((&data["gitCommitMessage"], &data["gitCommitAuthor"]), (&json!("fix: x"), &json!("")));
        assert_eq!(data["gitRepo"], "");
    }

    #[test]
    fn a_body_that_does_not_fit_is_a_problem() {
        for (body, expected) in [
            (json!({}), "missing field `type`"),
            (json!({ "type": null }), "type"),
            (json!({ "type": "deployment.ready" }), "missing field `payload`"),
            (json!({ "type": "deployment.ready", "payload": {} }), "missing field `deployment`"),
            (
                json!({ "type": "deployment.ready", "payload": { "deployment": { "id": null } } }),
                "payload.deployment.id",
            ),
            (
                json!({ "type": "deployment.ready", "payload": { "deployment": { "id": "d" }, "regions": "sfo1" } }),
                "payload.regions",
            ),
        ] {
            let problem = vercel().problem(&[], body.to_string());
            assert!(problem.contains(expected), "{body}: {problem}");
        }
    }
}
