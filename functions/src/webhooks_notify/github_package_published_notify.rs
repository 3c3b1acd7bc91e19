//! Tells the operator that a version of a package was published.
//!
//! Starts on `github/package.published`. A delivery that GitHub repeats has the same event id and starts nothing; a step
//! that runs twice sends the same message, which the gateway keeps once.

use events::github::GithubPackagePublished;
use system_bus_runtime::prelude::*;

use crate::text::or_unknown;

/// What the operator was told.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The id of the message.
    pub notification_id: String,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The package's name.
    pub package_name: String,
    /// The published version.
    pub version_name: String,
}

/// What the gateway shows, and the facts behind it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    prompt: String,
    repository: &'a str,
    package_name: &'a str,
    package_type: &'a str,
    version_name: &'a str,
    version_html_url: &'a str,
    sender: &'a str,
}

/// Tells the operator that a version of a package was published.
#[inngest_fn(
    id = "github-package-published-notify",
    name = "GitHub → gateway: package published",
    event = GithubPackagePublished,
    role = cluster,
)]
pub async fn github_package_published_notify(
    event: Event<GithubPackagePublished>,
    step: Step,
    gateway: Gateway,
) -> Result<Told> {
    let published = &event.data;
    let message = message(published);
    let notified = step.run("notify-gateway", gateway.notify("github.package.published", message)).await?;
    Ok(Told {
        notification_id: notified.id,
        repository: published.repository.clone(),
        package_name: published.package_name.clone(),
        version_name: published.version_name.clone(),
    })
}

fn message(published: &GithubPackagePublished) -> Message<'_> {
    Message {
        prompt: prompt(published),
        repository: &published.repository,
        package_name: &published.package_name,
        package_type: &published.package_type,
        version_name: &published.version_name,
        version_html_url: &published.version_html_url,
        sender: &published.sender,
    }
}

fn prompt(published: &GithubPackagePublished) -> String {
    let GithubPackagePublished { package_name, package_type, version_name, repository, sender, .. } = published;
    let mut lines = vec![
        format!("## 📦 {} {} is published", or_unknown(package_name), or_unknown(version_name)),
        String::new(),
        format!("- from: {}, by {}", or_unknown(repository), or_unknown(sender)),
        format!("- type: {}", or_unknown(package_type)),
    ];
    // A package can be published without a version; its own page is then what there is.
    let page = [&published.version_html_url, &published.package_html_url].into_iter().find(|url| !url.is_empty());
    lines.extend(page.map(|page| format!("- page: {page}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use system_bus_runtime::testing::Harness;

    use super::*;

    fn published() -> GithubPackagePublished {
        GithubPackagePublished {
            package_name: "widgets".to_owned(),
            package_type: "CONTAINER".to_owned(),
            package_html_url: "https://github.com/acme/widgets/packages/1".to_owned(),
            version_name: "1.2.3".to_owned(),
            version_html_url: "https://github.com/acme/widgets/packages/1/2".to_owned(),
            repository: "acme/widgets".to_owned(),
            sender: "octocat".to_owned(),
            ..GithubPackagePublished::default()
        }
    }

    #[tokio::test]
    async fn the_operator_learns_of_the_version() {
        let report = Harness::of::<github_package_published_notify>().event(published()).run().await;
        assert_eq!(report.steps, ["notify-gateway"]);
        let [notification] = &report.notifications[..] else { panic!("one notification") };
        assert_eq!(notification.kind, "github.package.published");
        let expected = serde_json::json!({
            "prompt": "## 📦 widgets 1.2.3 is published\n\n- from: acme/widgets, by octocat\n- type: CONTAINER\n\
                       - page: https://github.com/acme/widgets/packages/1/2",
            "repository": "acme/widgets",
            "packageName": "widgets",
            "packageType": "CONTAINER",
            "versionName": "1.2.3",
            "versionHtmlUrl": "https://github.com/acme/widgets/packages/1/2",
            "sender": "octocat",
        });
        assert_eq!(notification.payload, expected);
    }

    #[tokio::test]
    async fn it_survives_failures() {
        Harness::of::<github_package_published_notify>().event(published()).check_all().await;
    }

    #[test]
    fn a_package_without_a_version_shows_its_own_page() {
        let package =
            GithubPackagePublished { version_name: String::new(), version_html_url: String::new(), ..published() };
        let prompt = prompt(&package);
        assert!(prompt.starts_with("## 📦 widgets unknown is published"), "{prompt}");
        assert!(prompt.ends_with("- page: https://github.com/acme/widgets/packages/1"), "{prompt}");
    }
}
