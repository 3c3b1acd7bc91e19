//! Work that is handed to a coding agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use system_bus_runtime::event;

/// An agent is to work on a task.
#[event(
    "system/agent.requested",
    sent_by("queue-drainer", "worker-http", "script"),
    queued(priority = 1, name = "workload/requested")
)]
#[serde(rename_all = "camelCase")]
#[derive(PartialEq)]
pub struct AgentRequested {
    /// The sender's id of the request, by which it is cancelled and its end is known.
    pub request_id: String,
    /// The workflow that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// The story in that workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story_id: Option<String>,
    /// The commit to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<String>,
    /// The session that is to hear of the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What to do, in words.
    pub task: String,
    /// The program that works.
    pub tool: AgentTool,
    /// How a trial agent behaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<AgentCanary>,
    /// The role that the agent takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The directory to work in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The repository to clone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_url: Option<String>,
    /// The branch to work on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// How long it may work, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// The language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it may do on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<AgentSandbox>,
    /// Where it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<AgentExecutionMode>,
    /// What provides the sandbox, when it works in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_backend: Option<AgentSandboxBackend>,
    /// How much that sandbox holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_mode: Option<AgentSandboxMode>,
    /// Whether the result tells of the files that it has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_files: Option<bool>,
}

impl AgentRequested {
    /// A request that leaves all else to whoever hands it on.
    pub fn new(request_id: impl Into<String>, task: impl Into<String>, tool: AgentTool) -> Self {
        Self {
            request_id: request_id.into(),
            workflow_id: None,
            story_id: None,
            base_sha: None,
            session_id: None,
            task: task.into(),
            tool,
            canary: None,
            agent: None,
            cwd: None,
            repo_url: None,
            branch: None,
            timeout: None,
            model: None,
            sandbox: None,
            execution_mode: None,
            sandbox_backend: None,
            sandbox_mode: None,
            read_files: None,
        }
    }
}

/// The program that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentTool {
    /// `codex`.
    Codex,
    /// `claude`.
    Claude,
    /// `pi`.
    Pi,
    /// A trial that only behaves like one.
    Canary,
}

/// How a trial agent behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCanary {
    /// What is tried out.
    pub scenario: AgentCanaryScenario,
    /// How long it sleeps, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep_seconds: Option<u64>,
    /// How long the process that it leaves behind goes on, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan_delay_seconds: Option<u64>,
    /// What it exits with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// What a trial agent tries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentCanaryScenario {
    /// It sleeps beyond its time.
    SleepTimeout,
    /// It leaves a process behind that holds its standard error open.
    OrphanStderr,
}

/// What an agent may do on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentSandbox {
    /// Read.
    ReadOnly,
    /// Read, and write in its own directory.
    WorkspaceWrite,
    /// Everything.
    DangerFullAccess,
}

/// Where an agent works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentExecutionMode {
    /// On the worker's own machine.
    Host,
    /// In a sandbox.
    Sandbox,
}

/// What provides a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentSandboxBackend {
    /// The worker's own machine.
    Local,
    /// Kubernetes.
    K8s,
}

/// How much a sandbox holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentSandboxMode {
    /// What the work needs.
    Minimal,
    /// All that the machine has.
    Full,
}
