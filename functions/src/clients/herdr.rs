//! herdr, the terminal in whose panes agents live: its command line.

use serde::de::DeserializeOwned;
use system_bus_runtime::prelude::*;
use system_bus_runtime::service::{Invocation, Processes};

use crate::environment::Environment;

/// Names the herdr session that automated agents run in.
const SESSION: &str = "HERDR_AUTOMATION_SESSION";
const SESSION_DEFAULT: &str = "system";

/// The commands answer at once, or not at all.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The command line of one herdr session.
#[derive(Clone)]
pub(crate) struct Herdr {
    processes: Processes,
    session: String,
}

/// A pane.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Pane {
    /// Its id.
    pub(crate) pane_id: String,
    /// Its label; agents may change it.
    #[serde(default)]
    pub(crate) label: Option<String>,
    /// The workspace that it is in.
    #[serde(default)]
    pub(crate) workspace_id: Option<String>,
    /// What the agent in it does, such as `working`, when the terminal knows.
    #[serde(default)]
    pub(crate) agent_status: Option<String>,
}

/// An agent.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Agent {
    /// The pane that it lives in.
    #[serde(default)]
    pub(crate) pane_id: Option<String>,
    /// What it does: `working`, `blocked`, `idle` or `done`.
    #[serde(default)]
    pub(crate) agent_status: Option<String>,
}

/// A workspace: tabs with panes.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Workspace {
    /// Its id.
    pub(crate) workspace_id: String,
    /// Its label.
    #[serde(default)]
    pub(crate) label: Option<String>,
}

/// What all commands with an answer print.
#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Panes {
    panes: Vec<Pane>,
}

#[derive(Deserialize)]
struct Agents {
    agents: Vec<Agent>,
}

#[derive(Deserialize)]
struct Workspaces {
    workspaces: Vec<Workspace>,
}

#[derive(Deserialize)]
struct Opened {
    root_pane: Pane,
}

impl Herdr {
    /// The session that the environment names.
    pub(crate) fn new(processes: Processes, environment: &Environment) -> Self {
        let session = environment.find(SESSION).map(|name| name.trim().to_owned());
        Self { processes, session: session.unwrap_or_else(|| SESSION_DEFAULT.to_owned()) }
    }

    /// The session's name.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// All panes.
    pub(crate) async fn panes(&self) -> Result<Vec<Pane>> {
        self.ask::<Panes>(&["pane", "list"]).await.map(|answer| answer.panes)
    }

    /// All agents.
    pub(crate) async fn agents(&self) -> Result<Vec<Agent>> {
        self.ask::<Agents>(&["agent", "list"]).await.map(|answer| answer.agents)
    }

    /// All workspaces.
    pub(crate) async fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.ask::<Workspaces>(&["workspace", "list"]).await.map(|answer| answer.workspaces)
    }

    /// Opens a workspace; the pane that is in it.
    pub(crate) async fn open_workspace(&self, label: &str) -> Result<Pane> {
        let opened: Opened = self.ask(&["workspace", "create", "--label", label]).await?;
        Ok(opened.root_pane)
    }

    /// Opens a tab in the background; the pane that is in it.
    pub(crate) async fn open_tab(&self, workspace: &str, label: &str) -> Result<Pane> {
        let command = ["tab", "create", "--workspace", workspace, "--label", label, "--no-focus"];
        let opened: Opened = self.ask(&command).await?;
        Ok(opened.root_pane)
    }

    /// Labels a pane.
    pub(crate) async fn rename(&self, pane: &str, label: &str) -> Result<()> {
        self.run(&["pane", "rename", pane, label]).await.map(drop)
    }

    /// Has the shell in a pane run a command.
    pub(crate) async fn run_in(&self, pane: &str, command: &str) -> Result<()> {
        self.run(&["pane", "run", pane, command]).await.map(drop)
    }

    /// Tells the agent in a pane what to do.
    pub(crate) async fn prompt(&self, pane: &str, prompt: &str) -> Result<()> {
        // With a space before it, no prompt looks like an option.
        self.run(&["agent", "prompt", pane, &format!(" {prompt}")]).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, command: &[&str]) -> Result<T> {
        let text = self.run(command).await?;
        let answer: Answer<T> = serde_json::from_str(&text).map_err(|error| {
            Error::retryable(format!("what `herdr {}` prints is not understood: {error}", command[..2].join(" ")))
        })?;
        Ok(answer.result)
    }

    async fn run(&self, command: &[&str]) -> Result<String> {
        let invocation = Invocation::new("herdr").args(["--session", &self.session]).args(command).timeout(TIMEOUT);
        let output = self.processes.run(invocation).await?;
        output.text().map(str::to_owned)
    }
}
